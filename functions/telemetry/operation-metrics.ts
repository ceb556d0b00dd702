import { isTerminal, type TerminalStatus } from '../../domain/operation/operation.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';
import type { LogListener } from '../../domain/operation/operation-log.ts';
import { measure } from './metrics.ts';

const FAILURES: readonly TerminalStatus[] = ['failed', 'timed_out', 'compensation_failed'];
/** What an operation fails of that has waited in vain. */
const WAITED_FOR = ['at_capacity', 'instance_draining'];

const measureEvent = (event: OperationEvent, again: boolean): void => {
  const { kind, status, type, error } = event;
  // This alarm must not be missed, should whoever wrote the event have died behind it; what is counted for a share counts once.
  if (status === 'compensation_failed') measure('CompensationFailed', 1);
  if (again) return;
  if (type === 'compensating' && WAITED_FOR.includes(error?.code ?? '')) measure('WaitGivenUp', 1);
  if (!isTerminal(status)) return;
  measure('OperationEnded', 1, { outcome: status });
  measure('OperationFailed', FAILURES.includes(status) ? 1 : 0);
  measure('OperationDuration', (Date.parse(event.at) - Date.parse(event.createdAt)) / 1_000, { kind });
  if (kind === 'instance.refresh') measureRefresh(event);
};

const measureRefresh = ({ status, result }: OperationEvent): void => {
  // Cancelling a refresh gives nothing up; `partial` is deferred or skipped.
  if (status !== 'succeeded' && status !== 'cancelled') measure('RefreshGivenUp', 1);
  const waitedMs = result?.['waitedMs'];
  if (typeof waitedMs === 'number') measure('DrainWait', waitedMs / 1_000);
};

/** Measures what is appended to the log. */
export const measuringListener: LogListener = {
  appended: (event, { again }) => measureEvent(event, again),
  failed: () => measure('AppendFailed', 1),
};
