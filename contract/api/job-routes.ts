import * as z from 'zod';
import { defineRoute, plain } from './define-route.ts';
import { GraphPath } from './graphs.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

const RunJob = z
  .strictObject({
    job: z.string().min(1).max(63).meta({ description: 'The name of a job that the operator has configured.' }),
    config: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({ description: 'What the job is to be run with, as it defines it.' }),
  })
  .meta({ id: 'RunJob' });

export const runJobRoute = defineRoute({
  ...plain,
  function: 'run-job',
  method: 'POST',
  path: '/v1/graphs/{graphId}/jobs',
  summary: 'Run a job elsewhere and follow it; cancelling the operation terminates the job',
  scope: 'graphs:write',
  params: GraphPath,
  body: RunJob,
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

export const JOB_ROUTES: readonly Route[] = [runJobRoute];
