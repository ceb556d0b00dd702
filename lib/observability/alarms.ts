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
  new ServiceAlarm(scope, 'InstanceQuarantinedAlarm', {
    namePrefix,
    name: 'instance-quarantined',
    metric: METRICS.names.instanceQuarantined,
    impact:
      'The tenants of an instance can neither query nor change their graphs: it did not come up after its refresh.',
    runbook: 'docs/runbooks/instance-quarantined.md',
    topicArn: alarmTopicArn,
  });
  new ServiceAlarm(scope, 'CycleForcedAlarm', {
    namePrefix,
    name: 'cycle-forced',
    metric: METRICS.names.cycleForced,
    impact: 'Work of tenants was cut off by a refresh, as its policy asked for; it is done again, and takes longer.',
    runbook: 'docs/runbooks/cycle-forced.md',
    topicArn: alarmTopicArn,
  });
};
