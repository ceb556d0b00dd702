import { stageTableRoute } from '../../contract/api/materialization-routes.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import type { StageRequest } from '../../domain/table/staging.ts';
import { bytesIn, type StageMode } from '../../domain/table/table.ts';
import { refuseBytesBeyond, TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { graphInUse } from '../access/table-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { graphStore } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';
import { tableFiles, tableStore, tables } from '../wiring/table.ts';

const KINDS = { create: 'table.create', insert: 'table.insert' } as const;

/** POST /v1/graphs/{graphId}/tables/{table}/stage: begins to stage files into a table. */
export const handler = apiFunction('stage-table', stageTableRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const gate = paymentGate(environment);
  const pauses = pauseGate(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const files = tableFiles(environment);

  /** @throws {Refusal} `not_found`, `conflict` with the operation that stages the table, `too_large` */
  const refuseUnlessStageable = async (
    { graphId, tier, schema }: Graph,
    name: string,
    fileIds: readonly string[],
    mode: StageMode,
  ): Promise<void> => {
    tableNamed(schema, name);
    const table = await store.get(graphId, name);
    await changes.refuseWhileHeld(table);
    const now = new Date();
    const found = await Promise.all(fileIds.map((fileId) => files.get({ graphId, table: name, fileId }, now)));
    const sizes = found.map(({ bytes }) => bytes);
    refuseBytesBeyond(TABLE_LIMITS[tier], mode === 'insert' ? [bytesIn(table), ...sizes] : sizes);
    await files.uploaded(graphId, name, fileIds, now);
  };

  return async ({ tenantId, actor, idempotencyKey, params, body }) => {
    const { graphId, table } = params;
    const { fileIds, mode, ignoreErrors } = body;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the table.
    if ((await operations.find(operationId)) === undefined) {
      await gate.check(tenantId);
      const graph = await graphInUse(graphs, operations, tenantId, graphId);
      await pauses.pass(graph.tier);
      await refuseUnlessStageable(graph, table, fileIds, mode);
    }
    const request: StageRequest = { table, fileIds, mode, ignoreErrors };
    const asked = { operationId, kind: KINDS[mode], tenantId, graphId, actor, request };
    return accepted(await commands.accept(asked, () => changes.claim(graphId, table, operationId)));
  };
});
