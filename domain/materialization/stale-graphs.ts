import type { PaymentGate } from '../billing/payment-gate.ts';
import { Refusal, Retryable } from '../failure.ts';
import type { FlagStore } from '../flags/feature-flags.ts';
import { hostOf } from '../fleet/host.ts';
import type { InstanceStore } from '../fleet/instance.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import type { GraphWriters } from '../graph/graph-writers.ts';
import { operationIdFor } from '../identifier.ts';
import type { PauseGate } from '../lease/write-pause.ts';
import { FLEET_TENANT } from '../operation/operation.ts';
import type { OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import { freshnessOf } from '../table/freshness.ts';
import type { GraphTable, TableStore } from '../table/table.ts';
import type { Tables } from '../table/tables.ts';
import type { MaterializationRequest } from './materialization.ts';

type Parts = {
  flags: Pick<FlagStore, 'get'>;
  store: TableStore;
  changes: Pick<Tables, 'settle'>;
  graphs: GraphStore;
  writers: Pick<GraphWriters, 'check' | 'claim'>;
  instances: InstanceStore;
  gate: Pick<PaymentGate, 'check'>;
  pauses: Pick<PauseGate, 'pass'>;
  operations: Pick<OperationLog, 'find'>;
  commands: Pick<OperationCommands, 'accept'>;
  rotations: RotationStore;
};

const ALL: MaterializationRequest = { force: false, rebuild: false, ignoreErrors: false, tables: null };

/**
 * Materializes graphs by themselves when their tables have changed, where the operator has switched that on. A graph whose
 * instance is busy, or takes no work, has its turn later. What failed is not tried again before something is staged anew: it
 * would fail again.
 */
export class StaleGraphs {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Looks at the next so many tables that wait for a snapshot. @returns how many materializations it has begun */
  async takeTurn(most: number): Promise<{ begun: number }> {
    const { flags, store, rotations } = this.#parts;
    if (!(await flags.get()).automaticMaterialization) return { begun: 0 };
    const waiting = await nextTurn(rotations, 'stale-graphs', most, (page) => store.listUnsettled(page));
    let begun = 0;
    for (const graphId of new Set(waiting.map((table) => table.graphId))) if (await this.#look(graphId)) begun += 1;
    return { begun };
  }

  async #look(graphId: string): Promise<boolean> {
    const { graphs, store, changes } = this.#parts;
    const graph = await graphs.get(graphId);
    if (graph === undefined) return false;
    const tables = await store.list(graphId);
    const { changed } = freshnessOf(graph, tables);
    // Who published the snapshot may not have come to it.
    for (const { table, version } of tables)
      if (!changed.includes(table)) await changes.settle(graphId, table, version);
    if (changed.length === 0) return false;
    try {
      return (await this.#hasRoom(graph)) && (await this.#begin(graph, tables));
    } catch (error) {
      // Another writes it, it is not in use or not paid for, or writes are paused: not now.
      if (error instanceof Refusal || (error instanceof Retryable && error.code === 'writes_paused')) return false;
      throw error;
    }
  }

  async #hasRoom(graph: Graph): Promise<boolean> {
    const host = await hostOf(graph, this.#parts.graphs, this.#parts.instances);
    return host?.state === 'ACTIVE' && host.busyCount === 0;
  }

  async #begin(graph: Graph, tables: readonly GraphTable[]): Promise<boolean> {
    const { writers, gate, pauses, operations, commands } = this.#parts;
    const { graphId, tenantId, tier } = graph;
    // One for all that is staged as it is now, however many runs see it.
    const staged = tables.map(({ table, version }) => `${table} ${version}`).sort();
    const operationId = operationIdFor(FLEET_TENANT, ['materialize', graphId, ...staged].join('\n'));
    if ((await operations.find(operationId)) !== undefined) return false;
    await gate.check(tenantId);
    await pauses.pass(tier);
    await writers.check(graph, operationId);
    const asked = {
      operationId,
      kind: 'graph.materialize',
      tenantId,
      graphId,
      actor: CONTROL_PLANE,
      request: ALL,
    } as const;
    await commands.accept(asked, () => writers.claim(graphId, operationId));
    return true;
  }
}
