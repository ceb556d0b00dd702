import { operationIdOfLease } from '../lease/lease.ts';
import type { Occupancy } from '../lease/occupancy.ts';

/** An instance that a refresh waits for: since when, and what it holds. */
export type InstanceWaitedFor = {
  instanceId: string;
  operationId: string;
  since: string;
  occupancy: Pick<Occupancy, 'state' | 'busyCount' | 'leases'> | undefined;
};

/** So many instances are named in a message, and told of in its detail. */
const MOST_NAMED = 3;
const MOST_TOLD = 20;

/** Says how far a refresh is, which instances it waits for, what they wait for, and how long. */
export const describeWaits = (
  { done, total }: { done: number; total: number },
  waits: readonly InstanceWaitedFor[],
  now: Date,
): { message: string; detail: Record<string, unknown> } => {
  const longestFirst = waits.toSorted((left, right) => (left.since < right.since ? -1 : 1));
  const told = longestFirst.map((wait) => waitOf(wait, now));
  const named = told.slice(0, MOST_NAMED).map(sentenceOf);
  const more = told.length > MOST_NAMED ? ` and ${told.length - MOST_NAMED} more` : '';
  return {
    message: `${done} of ${total} instances are done; waiting for ${named.join(', ')}${more}`,
    detail: { done, total, waitsFor: told.slice(0, MOST_TOLD) },
  };
};

const waitOf = ({ instanceId, operationId, since, occupancy }: InstanceWaitedFor, now: Date) => {
  const [oldest] = Object.entries(occupancy?.leases ?? {}).sort(([, left], [, right]) =>
    left.acquiredAt < right.acquiredAt ? -1 : 1,
  );
  return {
    instance: instanceId,
    operationId,
    state: occupancy?.state ?? null,
    since,
    waitedMs: Math.max(0, now.getTime() - Date.parse(since)),
    leases: occupancy?.busyCount ?? 0,
    oldest:
      oldest === undefined
        ? null
        : { operationId: operationIdOfLease(oldest[0]), kind: oldest[1].kind, since: oldest[1].acquiredAt },
  };
};

const sentenceOf = ({ instance, state, waitedMs, leases, oldest }: ReturnType<typeof waitOf>): string => {
  const seconds = Math.round(waitedMs / 1_000);
  const howLong = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  if (state === 'CYCLING') return `${instance} to come up (${howLong})`;
  if (oldest === null) return `${instance} (${howLong})`;
  const work = leases === 1 ? '1 operation' : `${leases} operations`;
  return `${instance} with ${work} at work (${howLong}; the oldest is ${oldest.kind} of ${oldest.operationId})`;
};
