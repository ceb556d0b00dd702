import { operationErrorFrom } from '../../domain/operation/failure-report.ts';
import { parentWaker } from '../afterwards/wake-parent.ts';
import { FailureInput, stepFunction } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';

/** Ends an operation whose undo failed: something of it is left, and a person is needed. */
export const handler = stepFunction('record-undo-failure', FailureInput, (environment) => {
  const wakeParent = parentWaker(environment);
  const operations = operationLog(environment);
  return async ({ operationId, execution, failure }) => {
    const error = operationErrorFrom(failure);
    const message = 'An undo failed; a person is needed';
    const { kind } = await operations.append(operationId, {
      type: 'compensation_failed',
      message,
      error,
      ofAttempt: execution,
    });
    await wakeParent(operationId, kind);
  };
});
