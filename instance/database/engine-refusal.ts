import { Failure, Refusal } from '../../domain/failure.ts';

/** What the engine said against a query, as the caller may read it. */
export const engineRefusal = (error: unknown): Failure => {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (/^Interrupted/.test(message)) return timeoutRefusal(error);
  if (/read-only database/.test(message)) return new Refusal('read_only', 'A query can only read.', { cause: error });
  if (/buffer pool is full|Unable to allocate memory/.test(message)) return memoryRefusal(error);
  if (/Assertion failed|This should not happen/.test(message))
    return new Refusal('query_failed', 'The engine can not run this query: write it differently.', { cause: error });
  // A parameter's type is known only when the query runs; some functions need it before.
  const hint = /Actual:.*\bANY\b/.test(message) ? " Give each parameter its type, for example CAST($n, 'INT64')." : '';
  return new Refusal('query_failed', `${withoutPaths(message).trim()}${hint}`, { cause: error });
};

/** @param cause the engine's own interruption, if it came to that */
export const timeoutRefusal = (cause?: unknown): Refusal =>
  new Refusal('query_timeout', 'The query took longer than its timeout. Narrow it, or give it more time.', { cause });

const memoryRefusal = (cause: unknown): Refusal =>
  new Refusal('query_failed', 'The query needs more memory than a query can have. Narrow it, or return less.', {
    cause,
  });

/** Where files are on the machine is nobody's business. A path has two parts at least, so `1/2` stays. */
const withoutPaths = (message: string): string =>
  message.replaceAll(/(?<![\w.)\]])\/(?:[\w.+@-]+\/)+[\w.+@-]*/g, '(path)');
