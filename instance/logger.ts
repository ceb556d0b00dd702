import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger as PowertoolsLogger } from '@aws-lambda-powertools/logger';
import { toldError } from '../domain/told-error.ts';
import { currentTrace, traceRoot } from '../domain/trace.ts';

/** What a line tells besides its message: ids and numbers, `error` for what was thrown. Never a token, a whole job or a row. */
type Details = Record<string, unknown>;
type Write = (message: string, details?: Details) => void;
export type Logger = { readonly info: Write; readonly warn: Write; readonly error: Write };

/** What work is about. */
type Subject = { operationId?: string; graphId?: string; tenantId?: string };
const subject = new AsyncLocalStorage<Subject>();

/** Does work, all of whose lines tell what it is about. */
export const workingOn = <Result>(about: Subject, work: () => Result): Result => subject.run(about, work);

/** AWS, the system and the runtime speak of themselves; an engine's error may quote the row or the query that it was given. */
const hasOwnWords = (error: Error): boolean =>
  '$fault' in error || 'syscall' in error || error instanceof TypeError || error instanceof ReferenceError;

const lines = new PowertoolsLogger({
  serviceName: 'graphfleet-instance',
  jsonReplacerFn: (_key, value: unknown) => (value instanceof Error ? toldError(value, hasOwnWords) : value),
});
const line =
  (level: 'info' | 'warn' | 'error'): Write =>
  (message, details) => {
    const trace = traceRoot(currentTrace());
    lines[level](message, { ...subject.getStore(), ...(trace !== undefined && { xray_trace_id: trace }), ...details });
  };

/** Structured lines on standard output, which ECS hands to CloudWatch: each with what is known of the work and its trace. */
export const logger: Logger = { info: line('info'), warn: line('warn'), error: line('error') };

/** Has every line from here on tell which instance it is from. */
export const tellInstance = (instance: { instanceId: string; tier: string }): void => lines.appendKeys(instance);
