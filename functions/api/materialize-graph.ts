import { materializeGraphRoute } from '../../contract/api/materialization-routes.ts';
import type { MaterializationPlan } from '../../contract/api/materializations.ts';
import { invalidRequest } from '../../domain/failure.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import {
  isUpToDate,
  type MaterializationRequest,
  tablesToLoad,
  tablesWith,
  withDerived,
} from '../../domain/materialization/materialization.ts';
import { freshnessOf } from '../../domain/table/freshness.ts';
import { tablesOf } from '../../domain/table/schema-table.ts';
import type { GraphTable, TableSource } from '../../domain/table/table.ts';
import { refuseBeyond, TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { readableDerivations } from '../access/source-access.ts';
import { graphInUse } from '../access/table-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';
import { tableStore, tables } from '../wiring/table.ts';

/** POST /v1/graphs/{graphId}/materializations: begins to make the graph of its tables, or only says how it would. */
export const handler = apiFunction('materialize-graph', materializeGraphRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const gate = paymentGate(environment);
  const pauses = pauseGate(environment);
  const store = tableStore(environment);
  const changes = tables(environment);
  const writers = graphWriters(environment);
  const accesses = repositoryAccessStore(environment);
  return async ({ tenantId, actor, idempotencyKey, params, body }) => {
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
      for (const table of staged)
        if (derived.some((own) => own.table === table.table)) await changes.refuseWhileHeld(table);
      await writers.check(graph, operationId);
    }
    const asked = { operationId, kind: 'graph.materialize', tenantId, graphId, actor, request } as const;
    return accepted(await commands.accept(asked, () => writers.claim(graphId, operationId)));
  };
});

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

/** @throws {Refusal} `invalid_request` */
const refuseUnknownTables = ({ schema }: Graph, { tables: asked }: MaterializationRequest): void => {
  const known = new Set(tablesOf(schema).map(({ name }) => name));
  const issues = (asked ?? []).flatMap((name, index) =>
    known.has(name) ? [] : [{ path: `tables.${index}`, message: `The graph has no table "${name}".` }],
  );
  if (issues.length > 0) throw invalidRequest(issues);
};
