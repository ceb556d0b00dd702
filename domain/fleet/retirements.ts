import { Refusal } from '../failure.ts';
import { operationIdFor } from '../identifier.ts';
import { operationIdOfLease } from '../lease/lease.ts';
import { isManualDrain } from '../lease/manual-drain.ts';
import type { RefreshLock } from '../lease/refresh-lock.ts';
import { FLEET_TENANT, isTerminal } from '../operation/operation.ts';
import type { AcceptedOperation, OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { CapacityQueue } from './capacity-queue.ts';
import type { Instance, InstanceStore } from './instance.ts';
import { type InstanceRetirementStore, type RetireRequest, refusalToRetire } from './retirement.ts';
import type { FleetTier, TierStore } from './tier.ts';

type Parts = {
  tiers: Pick<TierStore, 'get'>;
  instances: Pick<InstanceStore, 'get' | 'listAll'>;
  retirements: Pick<InstanceRetirementStore, 'noteEmpty' | 'renewEmpty'>;
  queue: Pick<CapacityQueue, 'list'>;
  lock: Pick<RefreshLock, 'take' | 'free'>;
  operations: Pick<OperationLog, 'find'>;
  commands: Pick<OperationCommands, 'accept'>;
};

/** Who asks for it; the operation is this one. */
type Asked = { operationId: string; actor: string } & Pick<RetireRequest, 'reason' | 'maxWaitMinutes'>;

/** For so long an instance is empty before it is retired. */
export const SCALE_IN_MINUTES = 15;
/** An empty instance has hardly anything to wait for. */
const SCALE_IN_WAIT_MINUTES = 10;

/** Retires instances, one of a tier at a time, each by an operation of its own. */
export class Retirements {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /**
   * Retires an instance.
   * @throws {Refusal} `not_found`; `conflict` when somebody drains it, or is changing the tier, or the tier would have too
   * few; `idempotency_key_reused`
   */
  async retire(instanceId: string, asked: Asked): Promise<AcceptedOperation> {
    const { tiers, instances, lock, operations } = this.#parts;
    // A repeated call gets the first one's answer, whatever has become of the instance.
    if ((await operations.find(asked.operationId)) !== undefined) return this.#accept(instanceId, null, asked);
    const instance = await instances.get(instanceId);
    if (instance === undefined) throw new Refusal('not_found', `There is no instance "${instanceId}".`);
    await this.#refuseIfDrained(instance);
    const { tier } = instance;
    await lock.take(tier, asked.operationId);
    const refusal = refusalToRetire(await tiers.get(tier), await instances.listAll(tier), instanceId);
    if (refusal !== undefined) {
      await lock.free(tier, asked.operationId);
      throw refusal;
    }
    return this.#accept(instanceId, tier, asked);
  }

  /**
   * Retires an instance that has been empty for a while and that its tier can do without, unless somebody waits for a place
   * there. Instances of the shared tier hold no graphs and answer queries: they are not empty by that.
   * @returns how many retirements were begun
   */
  async scaleIn(tier: FleetTier): Promise<number> {
    if (tier === 'shared') return 0;
    const { tiers, instances, retirements, queue, operations } = this.#parts;
    const [wanted, ofTier, waiting] = await Promise.all([
      tiers.get(tier),
      instances.listAll(tier),
      queue.list(tier, 1),
    ]);
    const now = this.#now();
    const until = new Date(now.getTime() - SCALE_IN_MINUTES * 60_000).toISOString();
    for (const { instanceId } of ofTier.filter(isEmpty)) {
      const since = await retirements.noteEmpty(instanceId, now.toISOString());
      if (since === undefined || since > until || waiting.length > 0) continue;
      if (refusalToRetire(wanted, ofTier, instanceId) !== undefined) return 0;
      const operationId = operationIdFor(FLEET_TENANT, `scale-in ${instanceId} ${since}`);
      const reason = `Empty since ${since}`;
      const asked = { operationId, actor: CONTROL_PLANE, reason, maxWaitMinutes: SCALE_IN_WAIT_MINUTES };
      if ((await operations.find(operationId)) === undefined) return this.#retireIfFree(instanceId, asked);
      // It was tried and undone, or is being removed now: later again, if it is there then.
      await retirements.renewEmpty(instanceId, since, now.toISOString());
    }
    return 0;
  }

  /** One of a tier at a time: while somebody is changing the tier, it is left for later. */
  async #retireIfFree(instanceId: string, asked: Asked): Promise<number> {
    try {
      await this.retire(instanceId, asked);
      return 1;
    } catch (error) {
      if (error instanceof Refusal) return 0;
      throw error;
    }
  }

  async #refuseIfDrained({ instanceId, drain }: Instance): Promise<void> {
    if (drain === null) return;
    if (isManualDrain(drain.owner)) {
      throw new Refusal('conflict', `"${instanceId}" is drained by hand; undrain it first.`);
    }
    const operationId = operationIdOfLease(drain.owner);
    const owner = await this.#parts.operations.find(operationId);
    if (owner !== undefined && isTerminal(owner.status)) return;
    throw new Refusal('conflict', `The operation "${operationId}" drains "${instanceId}".`, { operationId });
  }

  #accept(instanceId: string, tier: FleetTier | null, asked: Asked): Promise<AcceptedOperation> {
    const { operationId, actor, reason, maxWaitMinutes } = asked;
    const request: RetireRequest | null = tier && { instanceId, tier, tiers: [tier], reason, maxWaitMinutes };
    return this.#parts.commands.accept({
      operationId,
      kind: 'instance.retire',
      tenantId: FLEET_TENANT,
      graphId: null,
      actor,
      request,
      body: { instanceId, reason, maxWaitMinutes },
    });
  }
}

const isEmpty = ({ state, used, busyCount }: Instance): boolean => state === 'ACTIVE' && used === 0 && busyCount === 0;
