import { Refusal } from '../../domain/failure.ts';
import type { InstancePlace } from '../../domain/fleet/instance.ts';
import { MOST_LEASES } from '../../domain/lease/lease.ts';
import { InstanceGone, isCycledBy, type Occupancy } from '../../domain/lease/occupancy.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import {
  drainOwnerOf,
  REFRESH_STEPS,
  type RefreshStory,
  resultOf,
  storyOf,
} from '../../domain/refresh/instance-refresh.ts';
import type { InstanceOutcome, InstanceRefreshRequest } from '../../domain/refresh/refresh.ts';
import { whenOpened } from '../afterwards/serve-waiting.ts';
import { parentWaker } from '../afterwards/wake-parent.ts';
import type { HasControlTable } from '../wiring/environment.ts';
import { leaseStore } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

/** What a refresh of an instance is about. */
export type InstanceRefresh = {
  operationId: string;
  request: InstanceRefreshRequest;
  place: InstancePlace;
  /** Of its drain. */
  owner: string;
};

/** The log of a refresh has few events, and one for each lease that ends while it waits. */
const MOST_EVENTS_READ = 2 * MOST_LEASES;

/** What the steps of a refresh have in common. */
export const instanceRefreshes = (environment: HasControlTable) => {
  const operations = operationLog(environment);
  const leases = leaseStore(environment);
  const opened = whenOpened(environment);
  const wakeParent = parentWaker(environment);

  const end = async (refresh: InstanceRefresh, outcome: InstanceOutcome, waitedMs?: number): Promise<void> => {
    const { operationId, request } = refresh;
    const result = resultOf(request, await story(operationId), outcome, waitedMs);
    const type = outcome === 'deferred' || outcome === 'skipped' ? 'partial' : 'succeeded';
    const message = `${request.instanceId} is ${outcome}`;
    const { kind } = await operations.append(operationId, { type, message, result });
    await wakeParent(operationId, kind);
  };

  const story = async (operationId: string): Promise<RefreshStory> =>
    storyOf(await operations.events(operationId, 0, MOST_EVENTS_READ));

  return {
    async of(operationId: string, last?: OperationEvent): Promise<InstanceRefresh> {
      const first = await (last === undefined ? operations.first(operationId) : operations.firstBefore(last));
      const request = first.request as InstanceRefreshRequest;
      const { instanceId, tier } = request;
      return { operationId, request, place: { instanceId, tier }, owner: drainOwnerOf(operationId) };
    },

    story,

    /**
     * The instance in this refresh's cycle.
     * @throws {Refusal} `conflict`: it is not, or its cycle was turned back: the step comes late
     */
    async cycled({ place, owner }: InstanceRefresh): Promise<Occupancy> {
      const instance = await leases.get(place.instanceId);
      if (instance === undefined) throw new InstanceGone(place.instanceId);
      if (isCycledBy(instance, owner) && instance.drain?.turnedBackAt === undefined) return instance;
      throw notMine(place);
    },

    end,

    /**
     * Ends a refresh whose work is done before its workflow is.
     * @throws {Refusal} `operation_over`, always: the workflow is to do nothing more
     */
    async endEarly(refresh: InstanceRefresh, outcome: InstanceOutcome): Promise<never> {
      await end(refresh, outcome);
      throw new Refusal('operation_over', `The refresh is over: ${refresh.place.instanceId} is ${outcome}.`);
    },

    /**
     * Leaves an instance to its work: opens its gate, and ends the refresh. Repeating it is harmless.
     * @throws {Refusal} `operation_over`, when that is done; `conflict` when the cycle was claimed
     */
    async giveBack(refresh: InstanceRefresh, outcome: 'skipped' | 'deferred', now: Date): Promise<never> {
      const { operationId, place, owner } = refresh;
      const { drain } = (await leases.get(place.instanceId)) ?? {};
      const { done } = await leases.undrain(place, owner, now.toISOString());
      const { completedSteps } = await operations.last(operationId);
      if (!done || completedSteps.includes(REFRESH_STEPS.claimed)) throw notMine(place);
      await opened(place);
      await end(refresh, outcome, drain ? now.getTime() - Date.parse(drain.since) : 0);
      throw new Refusal('operation_over', `The refresh is over: ${place.instanceId} is ${outcome}.`);
    },
  };
};

export const notMine = ({ instanceId }: InstancePlace): Refusal =>
  new Refusal('conflict', `The refresh does not have "${instanceId}" any more.`);
