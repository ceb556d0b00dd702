import type { Span } from '../page.ts';
import { isTerminal, type OperationKind, type OperationStatus } from './operation.ts';
import type { OperationLog } from './operation-log.ts';
import type { OperationTimes } from './operation-store.ts';

const A_PAGE = 1_000;

/** `durationMs` is from acceptance to end; null while the operations are not over. */
export type StatisticsRow = {
  kind: OperationKind;
  status: OperationStatus;
  count: number;
  durationMs: { p50: number; p95: number; max: number } | null;
};

/**
 * Counts a tenant's operations that were accepted in a span, by kind and status, and measures those that are over.
 * @param most so many operations are looked at, the newest first; `complete` tells whether they were all
 */
export const operationStatistics = async (
  operations: OperationLog,
  tenantId: string,
  span: Span,
  most: number,
): Promise<{ complete: boolean; statistics: StatisticsRow[] }> => {
  const found: OperationTimes[] = [];
  let cursor: string | undefined;
  do {
    const page = await operations.listInSpan(tenantId, span, { limit: Math.min(A_PAGE, most - found.length), cursor });
    found.push(...page.items);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && found.length < most);
  const groups = Object.values(Object.groupBy(found, ({ kind, status }) => `${kind} ${status}`));
  return { complete: cursor === undefined, statistics: groups.flatMap((group = []) => rowOf(group)) };
};

const rowOf = (group: OperationTimes[]): StatisticsRow[] => {
  const [first] = group;
  if (first === undefined) return [];
  const { kind, status } = first;
  if (!isTerminal(status)) return [{ kind, status, count: group.length, durationMs: null }];
  const durations = group
    .map(({ createdAt, updatedAt }) => Date.parse(updatedAt) - Date.parse(createdAt))
    .sort((left, right) => left - right);
  const at = (share: number) => durations[Math.ceil(share * durations.length) - 1] ?? 0;
  return [{ kind, status, count: group.length, durationMs: { p50: at(0.5), p95: at(0.95), max: at(1) } }];
};
