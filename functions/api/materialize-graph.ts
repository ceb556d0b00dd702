import { materializeGraphRoute } from '../../contract/api/materialization-routes.ts';
import type { MaterializationPlan } from '../../contract/api/materializations.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { Refusal } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import type { GraphWriters } from '../../domain/graph/graph-writers.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import {
  isUpToDate,
  type MaterializationRequest,
  tablesToLoad,
  tablesWith,
  withDerived,
} from '../../domain/materialization/materialization.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import type { GraphTable, TableSource, TableStore } from '../../domain/table/table.ts';
import { refuseBeyond, TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import type { Tables } from '../../domain/table/tables.ts';
import {
  graphStore,
  graphWriters,
  operationCommands,
  operationLog,
  pauseGate,
  paymentGate,
  repositoryAccessStore,
  tableStore,
} from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tables } from '../tables.ts';
import { accepted } from '../views/operation-view.ts';
import { readableDerivations } from './source-access.ts';
import { graphInUse } from './table-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  gate: PaymentGate;
  pauses: PauseGate;
  store: TableStore;
  changes: Pick<Tables, 'holderOf'>;
  writers: GraphWriters;
  accesses: Pick<RepositoryAccessStore, 'get'>;
};

/** POST /v1/graphs/{graphId}/materializations: begins to make the graph of its tables, or only says how it would. */
export const materializeGraph =
  ({ graphs, operations, commands, gate, pauses, store, changes, writers, accesses }: Dependencies) =>
  async (call: ApiRequest<typeof materializeGraphRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, idempotencyKey, params, body } = call;
    const { graphId } = params;
    const { dryRun, ...request } = body;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the graph.
    if (dryRun || (await operations.find(operationId)) === undefined) {
      if (!dryRun) await gate.check(tenantId);
      const graph = await graphInUse(graphs, operations, tenantId, graphId);
      if (!dryRun) await pauses.pass(graph.tier);
      refuseUnknownTables(graph, request);
      const derived = await readableDerivations({ graphs, operations, accesses }, graph, request.sources);
      const staged = await store.list(graphId);
      const plan = planOf(graph, staged, request, derived);
      if (dryRun) return { status: 200, body: plan };
      for (const { table } of derived) await refuseWhileStaged(changes, staged, table);
      await writers.check(graph, operationId);
    }
    const asked = { operationId, kind: 'graph.materialize', tenantId, graphId, actor, request } as const;
    return accepted(await commands.accept(asked, () => writers.claim(graphId, operationId)));
  };

/** Of what is to be derived nobody knows the rows yet. */
const UNKNOWN = { key: '', rows: 0, bytes: 0, checksum: '' };

/** @throws {Refusal} `too_large` */
const planOf = (
  graph: Graph,
  staged: readonly GraphTable[],
  request: MaterializationRequest,
  derived: readonly { table: string; source: TableSource }[],
): MaterializationPlan => {
  const sourceOf = (name: string) => derived.find(({ table }) => table === name)?.source ?? null;
  const next = derived.map(({ table }) => {
    const version = (staged.find((known) => known.table === table)?.version ?? 0) + 1;
    return { table, version, part: UNKNOWN };
  });
  const toLoad = tablesToLoad(graph, withDerived(graph.graphId, staged, next), tablesWith(request, derived));
  const known = toLoad.map(({ table, part: { rows, bytes } }) => ({ table, rows, bytes }));
  const limits = TABLE_LIMITS[graph.tier];
  refuseBeyond(limits, known);
  const isAsked = request.force || request.rebuild || derived.length > 0;
  return {
    stale: freshnessOf(graph, staged).stale,
    wouldSkip: !isAsked && isUpToDate(graph, staged, request),
    snapshotVersion: graph.snapshot?.version ?? null,
    tables: toLoad.map(({ part: { rows, bytes }, ...table }) => {
      const source = sourceOf(table.table);
      return source === null ? { ...table, rows, bytes, source } : { ...table, rows: null, bytes: null, source };
    }),
    rows: known.reduce((sum, { rows }) => sum + rows, 0),
    bytes: known.reduce((sum, { bytes }) => sum + bytes, 0),
    limits: { ...limits },
  };
};

/** @throws {Refusal} `conflict` with the operation that stages the table */
const refuseWhileStaged = async (
  changes: Pick<Tables, 'holderOf'>,
  staged: readonly GraphTable[],
  name: string,
): Promise<void> => {
  const table = staged.find((known) => known.table === name);
  const operationId = table === undefined ? null : await changes.holderOf(table);
  if (operationId !== null) throw new Refusal('conflict', `Another operation stages ${name}.`, { operationId });
};

/** @throws {Refusal} `invalid_request` */
const refuseUnknownTables = ({ schema }: Graph, { tables: asked }: MaterializationRequest): void => {
  const known = new Set(tablesOf(schema).map(({ name }) => name));
  const issues = (asked ?? []).flatMap((name, index) =>
    known.has(name) ? [] : [{ path: `tables.${index}`, message: `The graph has no table "${name}".` }],
  );
  const [first] = issues;
  if (first !== undefined)
    throw new Refusal('invalid_request', `The body is not valid: ${first.path}: ${first.message}`, { issues });
};

export const handler = apiFunction('materialize-graph', materializeGraphRoute, (environment) =>
  materializeGraph({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
    store: tableStore(environment),
    changes: tables(environment),
    accesses: repositoryAccessStore(environment),
    writers: graphWriters(environment),
  }),
);
