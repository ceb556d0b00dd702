import { operationErrorFrom } from '../../domain/operation/failure-report.ts';
import { operationLog } from '../dependencies.ts';
import { FailureInput, stepFunction } from '../pipeline/step-function.ts';

/**
 * Turns the operation to compensating. The log decides: an operation that has succeeded refuses it, and is not undone.
 * @throws {Refusal} `operation_over`
 */
export const handler = stepFunction('begin-undo', FailureInput, (environment) => {
  const operations = operationLog(environment);
  return async ({ operationId, failure }) => {
    await operations.append(operationId, {
      type: 'compensating',
      message: 'Undoing',
      error: operationErrorFrom(failure),
    });
  };
});
