import { materializeGraphRoute } from '../../contract/api/materialization-routes.ts';
import type { MaterializationPlan } from '../../contract/api/materializations.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { Refusal } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import type { GraphWriters } from '../../domain/graph/graph-writers.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import { isUpToDate, type MaterializationRequest, tablesToLoad } from '../../domain/materialization/materialization.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import type { TableStore } from '../../domain/table/table.ts';
import { refuseBeyond, TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import {
  graphStore,
  graphWriters,
  operationCommands,
  operationLog,
  pauseGate,
  paymentGate,
  tableStore,
} from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';
import { graphInUse } from './table-access.ts';

type Dependencies = {
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
  gate: PaymentGate;
  pauses: PauseGate;
  store: TableStore;
  writers: GraphWriters;
};

/** POST /v1/graphs/{graphId}/materializations: begins to make the graph of its tables, or only says how it would. */
export const materializeGraph =
  ({ graphs, operations, commands, gate, pauses, store, writers }: Dependencies) =>
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
      const plan = planOf(graph, await store.list(graphId), request);
      if (dryRun) return { status: 200, body: plan };
      await writers.check(graph, operationId);
    }
    const asked = { operationId, kind: 'graph.materialize', tenantId, graphId, actor, request } as const;
    return accepted(await commands.accept(asked, () => writers.claim(graphId, operationId)));
  };

/** @throws {Refusal} `too_large` */
const planOf = (
  graph: Graph,
  staged: Awaited<ReturnType<TableStore['list']>>,
  request: MaterializationRequest,
): MaterializationPlan => {
  const tables = tablesToLoad(graph, staged, request).map(({ part: { rows, bytes }, ...table }) => ({
    ...table,
    rows,
    bytes,
  }));
  const limits = TABLE_LIMITS[graph.tier];
  refuseBeyond(limits, tables);
  return {
    stale: freshnessOf(graph, staged).stale,
    wouldSkip: !request.force && !request.rebuild && isUpToDate(graph, staged, request),
    snapshotVersion: graph.snapshot?.version ?? null,
    tables,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
    limits: { ...limits },
  };
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
    writers: graphWriters(environment),
  }),
);
