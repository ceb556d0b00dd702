import type { Construct } from 'constructs';
import { METRICS } from '../../contract/metrics.ts';
import type { Configuration } from '../configuration.ts';
import { ServiceAlarm } from './service-alarm.ts';

/** Every alarm of the control plane. */
export const addAlarms = (scope: Construct, namePrefix: string, { alarmTopicArn }: Configuration): void => {
  new ServiceAlarm(scope, 'UndoFailedAlarm', {
    namePrefix,
    name: 'undo-failed',
    metric: METRICS.names.compensationFailed,
    impact:
      'What a tenant asked for failed, and something of it is left that nobody removes: a slot, a snapshot, a charge.',
    runbook: 'docs/runbooks/undo-failed.md',
    topicArn: alarmTopicArn,
  });
};
