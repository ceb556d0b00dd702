import { type ExternalJobRequest, isJobOver } from '../../domain/external-job/external-job.ts';
import { JobUnderWay, Terminal } from '../../domain/failure.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { externalJobs } from '../wiring/external-job.ts';
import { operationLog } from '../wiring/operation.ts';

const QUEUED_PERCENT = 20;
const RUNNING_PERCENT = 50;

/**
 * Looks at a job elsewhere once. When it has succeeded, so has the operation.
 * @throws {JobUnderWay} it is to be looked at again
 * @throws {Terminal} `job_failed` when it ended otherwise, by itself or by somebody else
 */
export const handler = forwardStep('await-external-job', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const jobs = externalJobs(environment);
  return async ({ operationId }, last) => {
    const { job } = (await operations.firstBefore(last)).request as ExternalJobRequest;
    const state = await jobs.state(operationId);
    if (state === undefined) throw new Terminal('job_failed', `The job "${job}" was removed where it ran.`);
    const { status, message, url } = state;
    if (status === 'succeeded') {
      const succeeded = { type: 'succeeded', message: 'The job succeeded', result: { job, url } } as const;
      await operations.append(operationId, succeeded, last);
      return;
    }
    if (isJobOver(state)) throw new Terminal('job_failed', `The job "${job}" ${status}. ${message}`);
    if (last.detail['status'] !== status) {
      const percent = status === 'queued' ? QUEUED_PERCENT : RUNNING_PERCENT;
      const step = { step: 'awaitJob', percent, message: `The job is ${status}` };
      // Of two that see the same change at once, one tells it.
      await operations.appendAfter(last, { type: 'progress', ...step, detail: { status, url } });
    }
    // What the operation fails of when there is no next look.
    throw new JobUnderWay('job_failed', `The job "${job}" was not over within a day.`);
  };
});
