import { Terminal } from '../failure.ts';
import { operationIdFor } from '../identifier.ts';
import { FLEET_TENANT, isTerminal, type Operation } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { InstanceOutcome, InstanceRefreshResult } from './refresh.ts';
import { type PlannedInstance, type RefreshPlan, toImageOf } from './refresh-plan.ts';
import type { RefreshPlanStore } from './refresh-plan-store.ts';
import {
  beginningOf,
  countOutcomes,
  isUnderWay,
  outcomeOf,
  type RefreshOutcome,
  type UnderWay,
  type Walk,
  type WalkedInstance,
  walkedInstances,
} from './refresh-walk.ts';

/** What became of a refresh. All of it is paged by {@link RefreshReport.page}. */
export type FleetRefreshResult = {
  outcome: RefreshOutcome;
  counts: Record<InstanceOutcome, number>;
  /** At most 100: first those that have not become what was asked for. */
  instances: readonly InstanceRefreshResult[];
};
const MOST_IN_RESULT = 100;

/** An instance that is under way, with the operation that refreshes it: undefined when it was not opened yet. */
export type InstanceUnderWay = WalkedInstance & {
  step: UnderWay;
  operationId: string;
  operation: Operation | undefined;
};

/** One instance of a refresh, as it is now. */
export type ReportedInstance = WalkedInstance & {
  toImage: string;
  /** The operation that refreshes it, once it was begun. */
  operationId: string | null;
  result: InstanceRefreshResult | null;
};

/** The operation that refreshes an instance, for a refresh of the fleet. */
export const childOf = (operationId: string, { instanceId }: Pick<PlannedInstance, 'instanceId'>): string =>
  operationIdFor(FLEET_TENANT, `${operationId}/${instanceId}`);

/** What refreshes have planned, how far they are, and what became of their instances. */
export class RefreshReport {
  readonly #plans: RefreshPlanStore;
  readonly #operations: Pick<OperationLog, 'find'>;

  constructor(plans: RefreshPlanStore, operations: Pick<OperationLog, 'find'>) {
    this.#plans = plans;
    this.#operations = operations;
  }

  /** @throws {Terminal} there is no plan */
  async planOf(operationId: string): Promise<RefreshPlan> {
    const plan = await this.#plans.get(operationId);
    if (plan === undefined) throw new Terminal('internal', 'The refresh has no plan.', { operationId });
    return plan;
  }

  async walkOf(operationId: string, plan: RefreshPlan): Promise<Walk> {
    return (await this.#plans.getWalk(operationId)) ?? beginningOf(plan);
  }

  async underWay(operationId: string, plan: RefreshPlan, walk: Walk): Promise<InstanceUnderWay[]> {
    const found = walkedInstances(plan, walk).map(async ({ step, ...walked }): Promise<InstanceUnderWay[]> => {
      if (!isUnderWay(step)) return [];
      const child = childOf(operationId, walked.instance);
      return [{ ...walked, step, operationId: child, operation: await this.#operations.find(child) }];
    });
    return (await Promise.all(found)).flat();
  }

  /** Whether there is something that the walk has not taken note of. */
  async hasNews(operationId: string): Promise<boolean> {
    const plan = await this.planOf(operationId);
    const underWay = await this.underWay(operationId, plan, await this.walkOf(operationId, plan));
    return (
      underWay.length === 0 || underWay.some(({ operation }) => operation === undefined || isTerminal(operation.status))
    );
  }

  /** What became of a refresh, once nothing of it is under way. */
  async result(operationId: string): Promise<FleetRefreshResult> {
    const plan = await this.planOf(operationId);
    const walk = await this.walkOf(operationId, plan);
    const all = await this.page(operationId, { from: 0, limit: plan.instances.length });
    const isAsAsked = ({ outcome }: InstanceRefreshResult) => Number(AS_ASKED.includes(outcome));
    const results = all
      .flatMap(({ result }) => result ?? [])
      .toSorted((left, right) => isAsAsked(left) - isAsAsked(right));
    return { outcome: outcomeOf(walk), counts: countOutcomes(walk), instances: results.slice(0, MOST_IN_RESULT) };
  }

  /** The plan from a place on, in order, as it is now. Empty while there is none. */
  async page(operationId: string, { from, limit }: { from: number; limit: number }): Promise<ReportedInstance[]> {
    const plan = await this.#plans.get(operationId);
    if (plan === undefined || from >= plan.instances.length) return [];
    const walk = await this.walkOf(operationId, plan);
    const results = await this.#plans.results(operationId, from, from + limit);
    return walkedInstances(plan, walk)
      .slice(from, from + limit)
      .map((walked): ReportedInstance => {
        const { place, instance, step } = walked;
        const isBegun = isUnderWay(step) || results.has(place);
        return {
          ...walked,
          toImage: toImageOf(plan, instance),
          operationId: isBegun ? childOf(operationId, instance) : null,
          result: results.get(place) ?? withoutOperation(plan, walk, walked),
        };
      });
  }
}

const AS_ASKED: readonly InstanceOutcome[] = ['refreshed', 'forced', 'unchanged'];

const notCycled = (plan: RefreshPlan, instance: PlannedInstance) => {
  const { instanceId, fromImage, busyCount: busyAtStart } = instance;
  const toImage = toImageOf(plan, instance);
  return { instanceId, fromImage, toImage, busyAtStart, waitedMs: 0, interrupted: [], error: null };
};

/** What became of an instance, by the operation that refreshed it, which is over. */
export const resultOf = (plan: RefreshPlan, instance: PlannedInstance, operation: Operation): InstanceRefreshResult => {
  const { status, error, result } = operation;
  const cancelled = { code: 'conflict', message: 'Its refresh was cancelled.', retryable: true } as const;
  const outcome = status === 'cancelled' ? 'skipped' : 'failed';
  return {
    ...notCycled(plan, instance),
    outcome,
    error: error ?? cancelled,
    ...(result as InstanceRefreshResult | null),
  };
};

/** What became of an instance that no operation has refreshed; null while that is open. */
const withoutOperation = (
  plan: RefreshPlan,
  { end }: Walk,
  { instance, step }: WalkedInstance,
): InstanceRefreshResult | null => {
  const { leftOut } = instance;
  if (leftOut?.outcome === 'unchanged') return { ...notCycled(plan, instance), outcome: 'unchanged' };
  if (leftOut !== null) {
    const error = { code: 'conflict', message: leftOut.because, retryable: true } as const;
    return { ...notCycled(plan, instance), outcome: leftOut.outcome, error };
  }
  if (isUnderWay(step) || end === null) return null;
  return { ...notCycled(plan, instance), outcome: end.outcome, error: end.error };
};
