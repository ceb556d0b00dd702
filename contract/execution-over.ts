import * as z from 'zod';

/**
 * The events by which Step Functions tells EventBridge that an execution did not end well: what the rule takes, on AWS
 * and on one machine. A workflow that failed has most often recorded that itself, which whoever gets the event must see.
 */
export const EXECUTION_OVER = {
  source: 'aws.states',
  detailType: 'Step Functions Execution Status Change',
  statuses: ['FAILED', 'TIMED_OUT', 'ABORTED'],
  /** What the name of every operation's execution begins with; others, which somebody started by hand, are nobody's. */
  namePrefix: 'op_',
} as const;

/** What is read of such an event. */
export const ExecutionOver = z.object({
  source: z.literal(EXECUTION_OVER.source),
  'detail-type': z.literal(EXECUTION_OVER.detailType),
  detail: z.object({
    name: z.string().startsWith(EXECUTION_OVER.namePrefix),
    status: z.enum(EXECUTION_OVER.statuses),
  }),
});
