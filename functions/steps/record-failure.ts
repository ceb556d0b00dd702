import { operationErrorFrom } from '../../domain/operation/failure-report.ts';
import { parentWaker } from '../afterwards/wake-parent.ts';
import { FailureInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';

/** Ends an operation that stopped past its point of no return: what it did stays done, and asking again goes on. */
export const handler = stepFunction('record-failure', FailureInput, (environment) => {
  const wakeParent = parentWaker(environment);
  const operations = operationLog(environment);
  return async ({ operationId, execution, failure }) => {
    const error = { ...operationErrorFrom(failure), retryable: true };
    const message = 'Stopped; ask again to go on';
    const { kind } = await operations.append(operationId, { type: 'failed', message, error, ofAttempt: execution });
    await wakeParent(operationId, kind);
  };
});
