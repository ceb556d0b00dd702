import * as z from 'zod';
import type { ExternalJobStatus } from './external-job.ts';

/** What is asked of Dagster's GraphQL API; the names are those of Dagster 1.x. Every answer comes as `answer`. */
export const LAUNCH_RUN = `mutation LaunchRun($executionParams: ExecutionParams!) {
  answer: launchRun(executionParams: $executionParams) {
    __typename
    ... on LaunchRunSuccess { run { runId status } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on Error { message }
  }
}`;

export const FIND_RUN = `query FindRun($runId: ID!) {
  answer: runOrError(runId: $runId) {
    __typename
    ... on Run { runId status }
    ... on Error { message }
  }
}`;

export const TERMINATE_RUN = `mutation TerminateRun($runId: String!) {
  answer: terminateRun(runId: $runId, terminatePolicy: SAFE_TERMINATE) {
    __typename
    ... on TerminateRunSuccess { run { runId status } }
    ... on TerminateRunFailure { message }
    ... on Error { message }
  }
}`;

/** Every `RunStatus` of Dagster. A run that is being canceled still runs. */
export const STATUS_OF_RUN = {
  NOT_STARTED: 'queued',
  QUEUED: 'queued',
  MANAGED: 'running',
  STARTING: 'running',
  STARTED: 'running',
  CANCELING: 'running',
  SUCCESS: 'succeeded',
  FAILURE: 'failed',
  CANCELED: 'canceled',
} as const satisfies Record<string, ExternalJobStatus>;
export type RunStatus = keyof typeof STATUS_OF_RUN;

/** A member of any of the unions: `__typename` says which, and what it has besides is one of these. */
const Member = z.object({
  __typename: z.string(),
  status: z.enum(Object.keys(STATUS_OF_RUN) as [RunStatus, ...RunStatus[]]).optional(),
  message: z.string().default(''),
  errors: z.array(z.object({ message: z.string() })).default([]),
});
export type Member = z.output<typeof Member>;

export const GraphQlAnswer = z.object({ data: z.object({ answer: Member }) });
export const GraphQlErrors = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) });
