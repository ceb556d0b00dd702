import { invalidRequest } from '../../domain/failure.ts';
import type { Span } from '../../domain/page.ts';

const WEEK_MS = 7 * 86_400_000;
const LONGEST_MS = 400 * 86_400_000;

/**
 * The span of time that a query asks for.
 * @throws {Refusal} `invalid_request` when it ends before it begins, or is longer than anything is kept
 */
export const spanFrom = ({ from, to }: { from?: string | undefined; to?: string | undefined }, now: Date): Span => {
  const end = to === undefined ? now.getTime() : Date.parse(to);
  const start = from === undefined ? end - WEEK_MS : Date.parse(from);
  const wrong =
    start > end ? '`from` is after `to`.' : end - start > LONGEST_MS ? 'Ask for 400 days at most.' : undefined;
  if (wrong === undefined) return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
  throw invalidRequest([{ path: 'from', message: wrong }]);
};
