import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { inSeconds } from '../../aws-json/in-seconds.ts';
import type { ExecutionRow } from '../journal.ts';
import { type Action, action } from './action.ts';
import { page, pageFields } from './page.ts';

const startExecution = action(
  z.object({
    stateMachineArn: z.string(),
    name: z.string().optional(),
    input: z.string().optional(),
    traceHeader: z.string().max(256).optional(),
  }),
  ({ runner }, { stateMachineArn, name = randomUUID(), input = '{}', traceHeader = null }) => {
    const { arn, startedAt } = runner.start({ stateMachineArn, name, input, traceHeader });
    return { executionArn: arn, startDate: inSeconds(startedAt) };
  },
);

const stopExecution = action(
  z.object({ executionArn: z.string(), error: z.string().optional(), cause: z.string().optional() }),
  ({ runner, clock }, { executionArn, error, cause }) => {
    runner.get(executionArn);
    runner.stop(executionArn, error, cause);
    return { stopDate: inSeconds(runner.get(executionArn).stoppedAt ?? clock.now()) };
  },
);

const describeExecution = action(z.object({ executionArn: z.string() }), ({ runner }, { executionArn }) => {
  const row = runner.get(executionArn);
  return {
    ...listed(row),
    input: row.input,
    inputDetails: { included: true },
    ...(row.traceHeader === null ? {} : { traceHeader: row.traceHeader }),
    ...(row.output === null ? {} : { output: row.output, outputDetails: { included: true } }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.cause === null ? {} : { cause: row.cause }),
  };
});

const listExecutions = action(
  z.object({
    stateMachineArn: z.string(),
    statusFilter: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']).optional(),
    ...pageFields,
  }),
  ({ machines, journal }, { stateMachineArn, statusFilter, ...request }) => {
    const { arn } = machines.get(stateMachineArn);
    const { rows, ...next } = page(
      request,
      (limit, after) => journal.executions(arn, statusFilter, limit, after === undefined ? undefined : Number(after)),
      ({ id }) => id,
    );
    return { executions: rows.map(listed), ...next };
  },
);

const getExecutionHistory = action(
  z.object({
    executionArn: z.string(),
    reverseOrder: z.boolean().optional(),
    includeExecutionData: z.literal(true, { error: 'history without data is not modelled' }).optional(),
    ...pageFields,
  }),
  ({ runner, journal }, { executionArn, reverseOrder = false, ...request }) => {
    const execution = runner.get(executionArn);
    const { rows, ...next } = page(
      request,
      (limit, after) =>
        journal.events(execution.id, limit, reverseOrder, after === undefined ? undefined : Number(after)),
      ({ id }) => id,
    );
    return { events: rows.map(({ body }) => JSON.parse(body)), ...next };
  },
);

const listed = (row: ExecutionRow) => ({
  executionArn: row.arn,
  stateMachineArn: row.machine,
  name: row.name,
  status: row.status,
  startDate: inSeconds(row.startedAt),
  ...(row.stoppedAt === null ? {} : { stopDate: inSeconds(row.stoppedAt) }),
});

/** What the API does with executions. */
export const executionActions: Record<string, Action> = {
  StartExecution: startExecution,
  StopExecution: stopExecution,
  DescribeExecution: describeExecution,
  ListExecutions: listExecutions,
  GetExecutionHistory: getExecutionHistory,
};
