import { Retryable } from '../failure.ts';
import type { FlagStore } from '../flags/feature-flags.ts';
import type { InstanceStore } from '../fleet/instance.ts';
import { FLEET_TIERS } from '../fleet/tier.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import { operationIdFor } from '../identifier.ts';
import type { PauseGate } from '../lease/write-pause.ts';
import { FLEET_TENANT } from '../operation/operation.ts';
import type { OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';
import type { Page, PageRequest } from '../page.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import type { ObjectStore } from '../snapshot/object-store.ts';
import { type Backup, type BackupRequest, type BackupStore, beyondMost } from './backup.ts';

type Parts = {
  backups: Pick<BackupStore, 'listAll' | 'listPast' | 'remove'>;
  objects: Pick<ObjectStore, 'remove'>;
  instances: Pick<InstanceStore, 'listAll' | 'readSlots'>;
  graphs: Pick<GraphStore, 'get'>;
  commands: Pick<OperationCommands, 'accept'>;
  pauses: PauseGate;
  flags: FlagStore;
};

/** So many instances are asked for their graphs in a turn, if they have none. */
const INSTANCES_A_TURN = 20;

/**
 * Keeps one backup a day of each graph that changed since its last, and removes backups when their time is over or there
 * are more than are kept. Graphs are found by the slots of instances, from one to the next; a subgraph by its parent.
 */
export class BackupSchedule {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /** Looks at the next graphs, and removes at most so many backups whose time is over. */
  async takeTurn(
    rotations: RotationStore,
    { graphs, removals }: { graphs: number; removals: number },
  ): Promise<{ begun: number; removed: number }> {
    const past = await this.#parts.backups.listPast(this.#now().toISOString(), removals);
    for (const backup of past) await this.#remove(backup);
    const done = { begun: 0, removed: past.length };
    const { scheduledBackups } = await this.#parts.flags.get();
    for (const graphId of await nextTurn(rotations, 'backups', graphs, (page) => this.#listGraphs(page))) {
      for (const graph of await this.#family(graphId)) {
        const kept = await this.#parts.backups.listAll(graph.graphId);
        const tooMany = beyondMost(kept);
        for (const backup of tooMany) await this.#remove(backup);
        done.removed += tooMany.length;
        if (scheduledBackups && isDue(graph, kept, this.#now())) done.begun += await this.#begin(graph);
      }
    }
    return done;
  }

  /** The object before its record, by which it is found. */
  async #remove(backup: Backup): Promise<void> {
    await this.#parts.objects.remove(backup.key);
    await this.#parts.backups.remove(backup);
  }

  /** One operation a graph and day: its id says so. While writes are paused, the next turn that is not looks again. */
  async #begin({ graphId, tenantId, tier }: Graph): Promise<number> {
    const operationId = operationIdFor(FLEET_TENANT, `backup/${graphId}/${dayOf(this.#now())}`);
    const request: BackupRequest = { kind: 'scheduled' };
    try {
      await this.#parts.pauses.pass(tier);
    } catch (error) {
      if (error instanceof Retryable) return 0;
      throw error;
    }
    const asked = { operationId, kind: 'backup.create', tenantId, graphId, actor: CONTROL_PLANE, request } as const;
    const { replayed } = await this.#parts.commands.accept(asked);
    return replayed ? 0 : 1;
  }

  async #family(graphId: string): Promise<Graph[]> {
    const graph = await this.#parts.graphs.get(graphId);
    const others = Object.values(graph?.subgraphs ?? {}).map((subgraphId) => this.#parts.graphs.get(subgraphId));
    return [graph, ...(await Promise.all(others))].filter((member) => member !== undefined);
  }

  /** Ids of graphs that have a slot, by instance and id; the cursor is the last one. */
  async #listGraphs({ limit, cursor }: PageRequest): Promise<Page<string>> {
    const [after = '', last = ''] = cursor?.split('/') ?? [];
    const listed = await Promise.all(FLEET_TIERS.map((tier) => this.#parts.instances.listAll(tier)));
    const ids = listed.flatMap((some) => some.map(({ instanceId }) => instanceId)).filter((id) => id >= after);
    const items: string[] = [];
    const [now, later] = [ids.sort().slice(0, INSTANCES_A_TURN), ids.length > INSTANCES_A_TURN];
    for (const instanceId of now) {
      const slots = Object.keys(await this.#parts.instances.readSlots(instanceId)).sort();
      const left = slots.filter((graphId) => instanceId > after || graphId > last);
      items.push(...left.slice(0, limit - items.length));
      if (items.length === limit) return { items, cursor: `${instanceId}/${items.at(-1)}` };
    }
    return { items, cursor: later ? `${now.at(-1)}/~` : null };
  }
}

/**
 * A graph has its backup of the day when it has changed since its last one of any kind; one that came today has its
 * first tomorrow.
 */
const isDue = (
  { status, snapshot, createdAt }: Pick<Graph, 'status' | 'snapshot' | 'createdAt'>,
  newestFirst: readonly Backup[],
  now: Date,
): boolean => {
  const today = dayOf(now);
  if (status !== 'active' || snapshot === null || createdAt.slice(0, today.length) >= today) return false;
  const scheduled = newestFirst.find(({ kind }) => kind === 'scheduled');
  return newestFirst[0]?.snapshotVersion !== snapshot.version && scheduled?.createdAt.slice(0, today.length) !== today;
};

const dayOf = (time: Date): string => time.toISOString().slice(0, 'yyyy-mm-dd'.length);
