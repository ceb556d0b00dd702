import { Failure, Refusal, Retryable } from '../failure.ts';
import type { InstanceStore } from '../fleet/instance.ts';
import type { FleetTier } from '../fleet/tier.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import { FLEET_TENANT, isTerminal } from '../operation/operation.ts';
import type { OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE, type OperationEvent } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { InstanceRefreshRequest } from './refresh.ts';
import { type FleetRefreshRequest, type PlannedInstance, type RefreshPlan, toImageOf } from './refresh-plan.ts';
import type { RefreshPlanStore } from './refresh-plan-store.ts';
import { describeWaits } from './refresh-progress.ts';
import { childOf, type InstanceUnderWay, RefreshReport, resultOf } from './refresh-report.ts';
import { WALK_SECONDS } from './refresh-times.ts';
import {
  countOutcomes,
  endAfterFailure,
  isUnderWay,
  nextToBegin,
  type UnderWay,
  type Walk,
  type WalkEnd,
  type WalkedInstance,
  walkedInstances,
  withSteps,
} from './refresh-walk.ts';

/** Instances are being refreshed: the workflow is to wait until one of them is over. */
export class WaitingForInstances extends Failure {
  override readonly name = 'WaitingForInstances';
  readonly retryable = true;
}

type Parts = {
  plans: RefreshPlanStore;
  operations: OperationLog;
  commands: OperationCommands;
  instances: InstanceStore;
  leases: Pick<LeaseStore, 'get'>;
};

/**
 * Walks the instances of a plan. Each is refreshed by an operation of its own, whose id follows from the refresh and the
 * instance: whoever begins it again, after whatever has happened, finds the one that there is. How far the walk is, is one
 * item that is moved on from its last version, so that two runs never begin more than one would have.
 */
export class FleetRefreshes {
  readonly #parts: Parts;
  readonly #report: RefreshReport;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#report = new RefreshReport(parts.plans, parts.operations);
    this.#now = now;
  }

  /**
   * Takes note of what is over, and begins what may be begun. Repeating it is harmless.
   * @param last the newest event of the refresh that the caller knows of
   * @throws {WaitingForInstances} some are under way; when it returns, none is, and none will be
   */
  async walk(last: OperationEvent, request: FleetRefreshRequest): Promise<void> {
    const { operationId } = last;
    const plan = await this.#report.planOf(operationId);
    for (;;) {
      const before = await this.#report.walkOf(operationId, plan);
      const known = await this.#report.underWay(operationId, plan, before);
      const settled = await this.#settle(operationId, plan, before, known, request.canary);
      const walk = { ...settled, end: settled.end ?? this.#endOfTime(last) };
      const begun = await this.#next(plan, walk, request);
      const after = withSteps(walk, begun);
      if (hasChanged(before, after) && !(await this.#parts.plans.moveWalk(operationId, after))) continue;

      const underWay = underWayIn(plan, after);
      if (underWay.length === 0) return;
      // A run that ended before it had opened the operations of what it began, or started them, has left them to this one.
      const lost = known
        .filter(({ operation }) => operation === undefined || operation.status === 'accepted')
        .map(({ place }) => place);
      const toOpen = underWay.filter(({ place }) => begun.has(place) || lost.includes(place));
      for (const { instance } of toOpen) await this.#open(operationId, plan, instance, request);
      await this.#callOffIfRecalled(operationId, toOpen);
      await this.#tell(last, after, underWay);
      throw new WaitingForInstances('conflict', `${underWay.length} instances are being refreshed.`);
    }
  }

  /**
   * Ends the walk before its time: nothing more is begun, what has not been claimed is called off, and what has been is
   * waited for, because an instance that is cycling is brought to an end. Repeating it is harmless.
   * @throws {Retryable} some are not over
   */
  async recall(operationId: string): Promise<void> {
    const plan = await this.#parts.plans.get(operationId);
    if (plan === undefined) return;
    await this.#endWalk(operationId, plan);
    // Whoever begins another one from here on calls it off by itself.
    for (;;) {
      const before = await this.#report.walkOf(operationId, plan);
      const known = await this.#report.underWay(operationId, plan, before);
      const settled = await this.#settle(operationId, plan, before, known, 0);
      const unopened = known.filter(({ operation }) => operation === undefined);
      const walk = withSteps(settled, new Map(unopened.map(({ place }) => [place, RECALLED.outcome])));
      if (hasChanged(before, walk) && !(await this.#parts.plans.moveWalk(operationId, walk))) continue;

      const left = underWayIn(plan, walk);
      for (const { instance } of left) {
        const { state } = (await this.#parts.instances.get(instance.instanceId)) ?? {};
        if (state !== 'CYCLING') await this.#callOff(childOf(operationId, instance));
      }
      if (left.length > 0) throw new Retryable('conflict', `${left.length} instances are being refreshed still.`);
      return;
    }
  }

  async #endWalk(operationId: string, plan: RefreshPlan): Promise<void> {
    for (;;) {
      const walk = await this.#report.walkOf(operationId, plan);
      if (walk.end?.recalled) return;
      const end = { ...(walk.end ?? RECALLED), recalled: true };
      if (await this.#parts.plans.moveWalk(operationId, { ...walk, end })) return;
    }
  }

  /** Takes note of the instances whose operations are over. */
  async #settle(
    operationId: string,
    plan: RefreshPlan,
    before: Walk,
    known: readonly InstanceUnderWay[],
    canary: number,
  ): Promise<Walk> {
    let walk = before;
    for (const { place, instance, step, operation } of known) {
      if (operation === undefined || !isTerminal(operation.status)) continue;
      const result = resultOf(plan, instance, operation);
      await this.#parts.plans.putResult(operationId, place, result);
      walk = withSteps(walk, new Map([[place, result.outcome]]));
      if (result.outcome !== 'failed') continue;
      const now = await this.#parts.instances.get(instance.instanceId);
      // One that is gone was retired, which only one that nobody cycles can be.
      const wasClaimed = now !== undefined && now.generation > step.generation;
      walk = { ...walk, end: walk.end ?? endAfterFailure(plan, walk, instance, { canary, wasClaimed }) };
    }
    return walk;
  }

  #endOfTime({ createdAt }: OperationEvent): WalkEnd | null {
    if (this.#now().getTime() < Date.parse(createdAt) + WALK_SECONDS * 1_000) return null;
    const message = `The refresh took ${WALK_SECONDS / 86_400} days; ask again for the rest.`;
    return { outcome: 'deferred', error: { code: 'conflict', message, retryable: true }, recalled: false };
  }

  /** What to begin now, in the order of what is idle now. */
  async #next(plan: RefreshPlan, walk: Walk, request: FleetRefreshRequest): Promise<Map<number, UnderWay>> {
    if (nextToBegin(plan, walk, request, new Map()).length === 0) return new Map();
    const tiers = Object.keys(plan.toImages) as FleetTier[];
    const listed = (await Promise.all(tiers.map((tier) => this.#parts.instances.listAll(tier)))).flat();
    const busyNow = new Map(listed.map(({ instanceId, busyCount }) => [instanceId, busyCount]));
    const since = this.#now().toISOString();
    const next = nextToBegin(plan, walk, request, busyNow).map(async ({ place, instance }) => {
      const { generation } = (await this.#parts.instances.get(instance.instanceId)) ?? instance;
      return [place, { since, generation }] as const;
    });
    return new Map(await Promise.all(next));
  }

  async #open(
    parentOperationId: string,
    plan: RefreshPlan,
    instance: PlannedInstance,
    { maxWaitMinutes, onBusy, onDeadline, forceIgnoreBusy, reason, forceRestart }: FleetRefreshRequest,
  ): Promise<void> {
    const { instanceId, tier } = instance;
    const policy = { maxWaitMinutes, onBusy, onDeadline, forceIgnoreBusy, reason, forceRestart };
    const toImage = toImageOf(plan, instance);
    const request: InstanceRefreshRequest = { parentOperationId, instanceId, tier, toImage, ...policy };
    await this.#parts.commands.accept({
      operationId: childOf(parentOperationId, instance),
      kind: 'instance.refresh',
      tenantId: FLEET_TENANT,
      graphId: null,
      actor: CONTROL_PLANE,
      request,
    });
  }

  /** Calls off what this run has opened while the refresh was being undone: nobody else knows of it. */
  async #callOffIfRecalled(operationId: string, opened: readonly WalkedInstance[]): Promise<void> {
    if (opened.length === 0 || !(await this.#parts.plans.getWalk(operationId))?.end?.recalled) return;
    for (const { instance } of opened) await this.#callOff(childOf(operationId, instance));
  }

  async #callOff(operationId: string): Promise<void> {
    try {
      await this.#parts.commands.cancel(operationId, { actor: CONTROL_PLANE });
    } catch (error) {
      // It is over, or is being undone already.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  async #tell(last: OperationEvent, walk: Walk, underWay: readonly Beginning[]): Promise<void> {
    const { operationId } = last;
    const total = walk.steps.length;
    const done = walk.steps.filter((step) => step !== 'waiting' && !isUnderWay(step)).length;
    const waits = underWay.map(async ({ instance, step }) => ({
      instanceId: instance.instanceId,
      operationId: childOf(operationId, instance),
      since: step.since,
      occupancy: await this.#parts.leases.get(instance.instanceId),
    }));
    const { message, detail } = describeWaits({ done, total }, await Promise.all(waits), this.#now());
    await this.#parts.operations.append(
      operationId,
      {
        type: 'progress',
        step: 'walkFleet',
        percent: 5 + Math.floor((90 * done) / total),
        message,
        detail: { ...detail, counts: countOutcomes(walk) },
      },
      last,
    );
  }
}

const RECALLED = {
  outcome: 'skipped',
  error: { code: 'conflict', message: 'The refresh was called off before this instance was begun.', retryable: true },
  recalled: true,
} as const satisfies WalkEnd;

type Beginning = WalkedInstance & { step: UnderWay };

const underWayIn = (plan: RefreshPlan, walk: Walk): Beginning[] =>
  walkedInstances(plan, walk).flatMap(({ step, ...walked }) => (isUnderWay(step) ? [{ ...walked, step }] : []));

const hasChanged = (before: Walk, after: Walk): boolean =>
  before.version === 0 || before.end !== after.end || before.steps.some((step, place) => step !== after.steps[place]);
