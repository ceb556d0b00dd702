import type { PendingTask } from '../cursor.ts';
import type { Resource } from '../resources/resource.ts';

type Event = [type: string, details: Record<string, unknown>];

/** The history of a task, in the words that AWS has for its kind of resource. */
export interface TaskEvents {
  scheduled(task: PendingTask, region: string): Event;
  started(): Event;
  submitted(output: unknown): Event;
  succeeded(output: unknown): Event;
  failed(error: string | undefined, cause: string | undefined): Event;
}

export const taskEvents = (resource: Resource): TaskEvents =>
  resource.action.startsWith('arn:') ? functionEvents(resource) : integrationEvents(resource);

const integrationEvents = ({ type: resourceType, action: resource }: Resource): TaskEvents => {
  const of = { resourceType, resource };
  return {
    scheduled: ({ input, timeoutSeconds, heartbeatSeconds }, region) => [
      'TaskScheduled',
      {
        taskScheduledEventDetails: {
          ...of,
          region,
          parameters: JSON.stringify(input),
          ...(timeoutSeconds === undefined ? {} : { timeoutInSeconds: timeoutSeconds }),
          ...(heartbeatSeconds === undefined ? {} : { heartbeatInSeconds: heartbeatSeconds }),
        },
      },
    ],
    started: () => ['TaskStarted', { taskStartedEventDetails: of }],
    submitted: (output) => ['TaskSubmitted', { taskSubmittedEventDetails: { ...of, output: JSON.stringify(output) } }],
    succeeded: (output) => ['TaskSucceeded', { taskSucceededEventDetails: { ...of, output: JSON.stringify(output) } }],
    failed: (error, cause) =>
      error === 'States.Timeout'
        ? ['TaskTimedOut', { taskTimedOutEventDetails: { ...of, error, cause } }]
        : ['TaskFailed', { taskFailedEventDetails: { ...of, error, cause } }],
  };
};

/** A function called by its bare ARN has events of its own. */
const functionEvents = ({ action: resource }: Resource): TaskEvents => ({
  scheduled: ({ input, timeoutSeconds }) => [
    'LambdaFunctionScheduled',
    {
      lambdaFunctionScheduledEventDetails: {
        resource,
        input: JSON.stringify(input),
        ...(timeoutSeconds === undefined ? {} : { timeoutInSeconds: timeoutSeconds }),
      },
    },
  ],
  started: () => ['LambdaFunctionStarted', {}],
  // Never asked for: a function answers its own call.
  submitted: () => ['LambdaFunctionStarted', {}],
  succeeded: (output) => [
    'LambdaFunctionSucceeded',
    { lambdaFunctionSucceededEventDetails: { output: JSON.stringify(output) } },
  ],
  failed: (error, cause) =>
    error === 'States.Timeout'
      ? ['LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: { error, cause } }]
      : ['LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: { error, cause } }],
});
