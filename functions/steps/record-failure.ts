import { operationErrorFrom } from '../../domain/operation/failure-report.ts';
import { operationLog } from '../dependencies.ts';
import { FailureInput, stepFunction } from '../pipeline/step-function.ts';

/** Ends an operation whose every trace is undone. */
export const handler = stepFunction('record-failure', FailureInput, (environment) => {
  const operations = operationLog(environment);
  return async ({ operationId, failure }) => {
    const error = operationErrorFrom(failure);
    await operations.append(operationId, { type: 'failed', message: 'Failed; everything was undone', error });
  };
});
