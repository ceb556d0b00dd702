import { stageTableRoute } from '../../contract/api/materialization-routes.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { Refusal } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import type { StageRequest } from '../../domain/table/staging.ts';
import { bytesIn, type StageMode, type TableStore } from '../../domain/table/table.ts';
import type { TableFiles } from '../../domain/table/table-files.ts';
import { refuseBytesBeyond, TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import type { Tables } from '../../domain/table/tables.ts';
import { graphStore, operationCommands, operationLog, pauseGate, paymentGate, tableStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tableFiles, tables } from '../tables.ts';
import { accepted } from '../views/operation-view.ts';
import { graphInUse } from './table-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  gate: PaymentGate;
  pauses: PauseGate;
  store: TableStore;
  changes: Pick<Tables, 'claim' | 'holderOf'>;
  files: TableFiles;
};

const KINDS = { create: 'table.create', insert: 'table.insert' } as const;

/** POST /v1/graphs/{graphId}/tables/{table}/stage: begins to stage files into a table. */
export const stageTable = (parts: Dependencies) => {
  const { graphs, operations, commands, gate, pauses, changes } = parts;
  return async (call: ApiRequest<typeof stageTableRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, idempotencyKey, params, body } = call;
    const { graphId, table } = params;
    const { fileIds, mode, ignoreErrors } = body;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the table.
    if ((await operations.find(operationId)) === undefined) {
      await gate.check(tenantId);
      const graph = await graphInUse(graphs, operations, tenantId, graphId);
      await pauses.pass(graph.tier);
      await refuseUnlessStageable(parts, graph, table, fileIds, mode);
    }
    const request: StageRequest = { table, fileIds, mode, ignoreErrors };
    const asked = { operationId, kind: KINDS[mode], tenantId, graphId, actor, request };
    return accepted(await commands.accept(asked, () => changes.claim(graphId, table, operationId)));
  };
};

/** @throws {Refusal} `not_found`, `conflict` with the operation that stages the table, `too_large` */
const refuseUnlessStageable = async (
  { store, changes, files }: Dependencies,
  { graphId, tier, schema }: Graph,
  name: string,
  fileIds: readonly string[],
  mode: StageMode,
): Promise<void> => {
  tableNamed(schema, name);
  const table = await store.get(graphId, name);
  const operationId = await changes.holderOf(table);
  if (operationId !== null) throw new Refusal('conflict', `Another operation stages ${name}.`, { operationId });
  const now = new Date();
  const found = await Promise.all(fileIds.map((fileId) => files.get({ graphId, table: name, fileId }, now)));
  const sizes = found.map(({ bytes }) => bytes);
  refuseBytesBeyond(TABLE_LIMITS[tier], mode === 'insert' ? [bytesIn(table), ...sizes] : sizes);
  await files.uploaded(graphId, name, fileIds, now);
};

export const handler = apiFunction('stage-table', stageTableRoute, (environment) =>
  stageTable({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
    store: tableStore(environment),
    changes: tables(environment),
    files: tableFiles(environment),
  }),
);
