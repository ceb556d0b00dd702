import { Refusal } from '../failure.ts';
import { FLEET_TENANT } from '../operation/operation.ts';
import type { AcceptedOperation, OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { wantedInstances } from './capacity.ts';
import type { CapacityQueue } from './capacity-queue.ts';
import { isLongSilent } from './graph-rescue.ts';
import type { Instance, InstanceStore } from './instance.ts';
import type { InstanceLaunchStore, LaunchRequest } from './instance-launch.ts';
import type { FleetTier, TierStore } from './tier.ts';

type Parts = {
  tiers: TierStore;
  instances: InstanceStore;
  launches: InstanceLaunchStore;
  queue: CapacityQueue;
  operations: Pick<OperationLog, 'find'>;
  commands: OperationCommands;
  newOperationId: () => string;
};

/** Who asks for an instance; the operation is this one. */
type Asked = { operationId: string; actor: string };

/**
 * Launches instances, each by an operation of its own. An instance's name is claimed by its item, which names the
 * operation; names are counted out from 1. So two runs at once launch an instance once, and an operation that was not
 * opened before its claimant died is opened by the next run.
 */
export class Launches {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /**
   * Launches what a tier lacks: up to its minimum, and for all that wait. Repeating it is harmless.
   * @returns how many launches were begun
   */
  async keep(tier: FleetTier): Promise<number> {
    const { tiers, instances: store, queue } = this.#parts;
    const [wanted, instances] = await Promise.all([tiers.get(tier), store.listAll(tier)]);
    let begun = 0;
    for (const { instanceId, launch } of instances.filter(({ state }) => state === 'LAUNCHING')) {
      if (launch !== null)
        await this.#open({ instanceId, tier }, { operationId: launch.operationId, actor: CONTROL_PLANE });
    }
    const there = this.#there(instances);
    if (there.length >= wanted.maxInstances) return begun;
    // More than the tier can ever hold need not be counted.
    const queued = await queue.count(tier, wanted.maxInstances * wanted.capacity);
    const waiting = queued + graphsOf(instances) - graphsOf(there);
    const missing = wantedInstances({ wanted, instances: there, waiting }) - there.length;
    for (const instanceId of freeNames(tier, instances, missing)) {
      const operationId = this.#parts.newOperationId();
      const { capacity } = wanted;
      // Another run has it, and opens the operation.
      if (!(await this.#claim({ instanceId, tier, operationId, capacity }))) continue;
      await this.#open({ instanceId, tier }, { operationId, actor: CONTROL_PLANE });
      begun += 1;
    }
    return begun;
  }

  /**
   * Launches one more, as an operator wants it.
   * @throws {Refusal} `conflict` when the tier has its maximum, `idempotency_key_reused`
   */
  async launch(tier: FleetTier, asked: Asked): Promise<AcceptedOperation> {
    const { tiers, instances: store, operations } = this.#parts;
    // A repeated call gets the first one's answer, and claims nothing: whatever became of that instance, or if it was
    // of another tier.
    if ((await operations.find(asked.operationId)) !== undefined) return this.#accept(tier, null, asked);
    const [wanted, instances] = await Promise.all([tiers.get(tier), store.listAll(tier)]);
    const isMine = (instance: Instance | undefined) => instance?.launch?.operationId === asked.operationId;
    const mine = instances.find(isMine);
    if (mine !== undefined) return this.#open(mine, asked);
    const { capacity, maxInstances } = wanted;
    for (const instanceId of freeNames(tier, instances, maxInstances - this.#there(instances).length)) {
      const claimed = await this.#claim({ instanceId, tier, operationId: asked.operationId, capacity });
      // The same call, at once or a moment ago, may have claimed it: then another name would be nobody's.
      if (claimed || isMine(await store.get(instanceId))) return this.#open({ instanceId, tier }, asked);
    }
    throw new Refusal('conflict', `Tier "${tier}" has its maximum of ${maxInstances} instances; raise that first.`);
  }

  /** One that is gone is none of its tier's any more: its graphs wait for a place as those in the queue do. */
  #there(instances: readonly Instance[]): Instance[] {
    const now = this.#now();
    return instances.filter((instance) => !isLongSilent(instance, now));
  }

  #claim(claim: Parameters<InstanceLaunchStore['claim']>[0]): Promise<boolean> {
    return this.#parts.launches.claim(claim, this.#now().toISOString());
  }

  #open({ instanceId, tier }: LaunchRequest, asked: Asked): Promise<AcceptedOperation> {
    return this.#accept(tier, { instanceId, tier }, asked);
  }

  #accept(tier: FleetTier, request: LaunchRequest | null, { operationId, actor }: Asked): Promise<AcceptedOperation> {
    return this.#parts.commands.accept({
      operationId,
      kind: 'instance.launch',
      tenantId: FLEET_TENANT,
      graphId: null,
      actor,
      request,
      body: { tier },
    });
  }
}

const graphsOf = (instances: readonly Instance[]): number => instances.reduce((sum, { used }) => sum + used, 0);

/** The first names, counted out from 1, that no instance has. */
const freeNames = (tier: FleetTier, instances: readonly Instance[], howMany: number): string[] => {
  const taken = new Set(instances.map(({ instanceId }) => instanceId));
  const names: string[] = [];
  for (let number = 1; names.length < howMany; number += 1) {
    const name = `inst-${tier}-${number}`;
    if (!taken.has(name)) names.push(name);
  }
  return names;
};
