import * as z from 'zod';
import { isJobOver } from '../../domain/external-job/external-job.ts';
import { Retryable } from '../../domain/failure.ts';
import { OperationInput, stepFunction } from '../pipeline/step-function.ts';
import { externalJobs } from '../wiring/external-job.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * The last look for a job of which nobody knows whether it was started: 1.5 minutes after the first (the machine says how
 * often it is looked for), when whoever was about to start it has been dead for a minute.
 */
const LAST_LOOK = 6;
const FIRST_EVENTS = 5;

/**
 * Undoes the start of a job: when this is done, it is over where it ran. That its end was asked for is not enough.
 * @throws {Retryable} until then
 */
export const handler = stepFunction(
  'terminate-external-job',
  OperationInput.extend({ tries: z.int() }),
  (environment) => {
    const operations = operationLog(environment);
    const jobs = externalJobs(environment);
    return async ({ operationId, tries }) => {
      const events = await operations.events(operationId, 0, FIRST_EVENTS);
      if (!events.some(({ type }) => type === 'started')) return;
      const state = await jobs.terminate(operationId);
      if (state !== undefined) {
        if (isJobOver(state)) return;
        throw new Retryable('unavailable', 'The job is not over where it runs.');
      }
      const { completedSteps } = await operations.last(operationId);
      if (completedSteps.includes('startJob') || tries >= LAST_LOOK) return;
      throw new Retryable('unavailable', 'The job may begin still: the answer to its start was lost.');
    };
  },
);
