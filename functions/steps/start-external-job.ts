import type { ExternalJobRequest } from '../../domain/external-job/external-job.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { externalJobs } from '../wiring/external-job.ts';
import { operationLog } from '../wiring/operation.ts';

/** Starts the job of an operation elsewhere. */
export const handler = forwardStep('start-external-job', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const jobs = externalJobs(environment);
  return async ({ operationId }, last) => {
    const request = (await operations.firstBefore(last)).request as ExternalJobRequest;
    // Told before it is done: from here on an undo looks for what may come of it.
    const running = await operations.append(operationId, { type: 'started', message: 'Starting the job' }, last);
    await jobs.start(operationId, request);
    const started = { type: 'step_completed', step: 'startJob', percent: 10, message: 'The job was started' } as const;
    await operations.append(operationId, started, running);
  };
});
