import { randomUUID } from 'node:crypto';
import type { ExecutionRow } from './journal.ts';

/** What EventBridge gets when an execution starts or is over, as AWS sends it. */
export type ExecutionStatusChange = {
  version: '0';
  id: string;
  'detail-type': 'Step Functions Execution Status Change';
  source: 'aws.states';
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: Record<string, unknown> & Pick<ExecutionRow, 'name' | 'status'>;
};

/** The event that tells of an execution as it is now. */
export const statusChange = (row: ExecutionRow): ExecutionStatusChange => {
  const [, , , region = '', account = ''] = row.arn.split(':');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account,
    time: new Date(row.stoppedAt ?? row.startedAt).toISOString(),
    region,
    resources: [row.arn],
    detail: {
      executionArn: row.arn,
      stateMachineArn: row.machine,
      name: row.name,
      status: row.status,
      startDate: row.startedAt,
      stopDate: row.stoppedAt,
      input: row.input,
      inputDetails: { included: true },
      output: row.output,
      outputDetails: row.output === null ? null : { included: true },
      error: row.error,
      cause: row.cause,
      redriveCount: 0,
      redriveDate: null,
      redriveStatus: null,
      redriveStatusReason: null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
    },
  };
};
