import { Refusal } from '../../domain/failure.ts';
import { operationErrorFrom } from '../../domain/operation/failure-report.ts';
import { operationLog } from '../dependencies.ts';
import { FailureInput, stepFunction } from '../pipeline/step-function.ts';

/**
 * Turns the operation to compensating. The log decides: an operation that is over, or past its point of no return,
 * refuses it, and is not undone.
 * @throws {Refusal} `operation_over`, `conflict`
 */
export const handler = stepFunction('begin-undo', FailureInput, (environment) => {
  const operations = operationLog(environment);
  return async ({ operationId, failure }) => {
    const error = operationErrorFrom(failure);
    const last = await operations.last(operationId);
    // Only `retry` takes up an undo that failed; an execution that is late does not.
    if (last.status === 'compensation_failed') throw new Refusal('operation_over', 'The undo has failed.');
    await operations.append(operationId, { type: 'compensating', message: 'Undoing', error }, last);
  };
});
