import type { Graph, GraphStore } from '../graph/graph.ts';
import type { GraphPlace } from '../graph/graph-place.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { WaitingTasks } from '../operation/waiting-tasks.ts';
import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import type { CapacityWait } from './capacity-wait.ts';
import { isSilent } from './heartbeat.ts';
import type { Instance, InstanceStore } from './instance.ts';
import { FLEET_TIERS } from './tier.ts';

type Parts = {
  instances: InstanceStore;
  graphs: GraphStore;
  operations: OperationLog;
  capacity: CapacityWait;
  tasks: WaitingTasks;
};

/** Looks after instances: the silent ones, and slots that were lost. */
export class InstanceWatch {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /** Puts instances in quarantine that are not heard of; lets launches go on whose instance did not come to report. */
  async look(): Promise<{ silent: number; reported: number }> {
    const { instances, tasks } = this.#parts;
    const done = { silent: 0, reported: 0 };
    for (const tier of FLEET_TIERS) {
      for (const instance of await instances.listByTier(tier, 'ACTIVE')) {
        const { launch } = instance;
        const silent = isSilent(instance, this.#now());
        if (silent && (await instances.quarantineSilent(instance))) done.silent += 1;
        if (silent || launch === null || launch.taskToken === null) continue;
        await tasks.succeed(launch.taskToken);
        done.reported += 1;
      }
    }
    return done;
  }

  /**
   * Frees slots on the next instances by proof: the operation that took it is over, and no record names it, nor can any
   * come to.
   * @returns how many were freed
   */
  async freeLeakedSlots(rotations: RotationStore, limit: number): Promise<number> {
    const { instances, capacity } = this.#parts;
    const turn = await nextTurn(rotations, 'instances', limit, async ({ limit: most, cursor = '' }) => {
      const all = (await Promise.all(FLEET_TIERS.map((tier) => instances.listAll(tier)))).flat();
      const behind = all.filter(({ instanceId }) => instanceId > cursor).sort(byId);
      const items = behind.slice(0, most);
      return { items, cursor: behind.length > most ? (items.at(-1)?.instanceId ?? null) : null };
    });
    let freed = 0;
    for (const instance of turn) {
      const here = await this.#freeOn(instance);
      if (here > 0) await capacity.serve(instance.tier);
      freed += here;
    }
    return freed;
  }

  async #freeOn({ instanceId }: Instance): Promise<number> {
    const { instances, operations } = this.#parts;
    let freed = 0;
    for (const [graphId, slotHolder] of Object.entries(await instances.readSlots(instanceId))) {
      const place = { placement: instanceId, slotHolder };
      if (await this.#isNamed(graphId, place)) continue;
      const operation = await operations.find(slotHolder);
      if (operation === undefined || !isTerminal(operation.status)) continue;
      // Once more: it may have come to name the slot while its operation was coming to its end.
      if (await this.#isNamed(graphId, place)) continue;
      if (!(await this.#hasAnother(graphId, place))) continue;
      await instances.freeSlot(instanceId, graphId, slotHolder);
      freed += 1;
    }
    return freed;
  }

  /** A graph that was on its way to another instance when that stopped gets its slot there before it loses this one. */
  async #hasAnother(graphId: string, { placement, slotHolder }: Omit<GraphPlace, 'tier'>): Promise<boolean> {
    const { graphs, instances } = this.#parts;
    const graph = await graphs.get(graphId);
    if (graph === undefined || graph.slotHolder !== slotHolder || graph.placement === null) return true;
    return graph.placement !== placement && instances.takeSlot(graph.placement, graphId, slotHolder);
  }

  async #isNamed(graphId: string, place: Omit<GraphPlace, 'tier'>): Promise<boolean> {
    const graph = await this.#parts.graphs.get(graphId);
    return graph !== undefined && placesOf(graph).some((named) => isSame(named, place));
  }
}

const placesOf = (graph: Graph): GraphPlace[] => [graph, ...(graph.move === null ? [] : [graph.move.spare])];
const isSame = (one: Omit<GraphPlace, 'tier'>, other: Omit<GraphPlace, 'tier'>): boolean =>
  one.placement === other.placement && one.slotHolder === other.slotHolder;
const byId = (one: Instance, other: Instance): number => (one.instanceId < other.instanceId ? -1 : 1);
