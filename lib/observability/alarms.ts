import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { ScheduleName } from '../../contract/functions.ts';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { pascalCase } from '../pascal-case.ts';
import { ANSWER_FAILED, FUNCTION_CRASHED } from './log-metric.ts';
import { ServiceAlarm, type ServiceAlarmProps } from './service-alarm.ts';
import { awsMetric, combined, countedOf, largestOf, type ServiceMetrics } from './service-metrics.ts';

type Definition = Omit<ServiceAlarmProps, 'namePrefix' | 'name' | 'topicArn' | 'runbooks'>;
/** Alarms by their names. */
export type Alarms = Readonly<Record<string, Definition>>;

const HOUR_SECONDS = 3_600;
const MEASURED = { missing: TreatMissingData.IGNORE } as const;

/** Of the operations that ended in so many minutes. A single failure is often the request's own: two are none. */
const failedOfHundred = (metrics: ServiceMetrics, minutes: number) =>
  combined(
    'IF(m0 >= 3, 100 * m0 / m1, 0)',
    [
      metrics.of('OperationFailed', { statistic: 'Sum', minutes }),
      metrics.of('OperationFailed', { statistic: 'SampleCount', minutes }),
    ],
    'Failed of a hundred, of three at least',
    minutes,
  );

/** Alarms on what becomes of operations and of what tenants have paid for. */
export const operationAlarms = (metrics: ServiceMetrics): Alarms => ({
  'undo-failed': {
    metric: metrics.count('CompensationFailed'),
    impact:
      'What a tenant asked for failed, and something of it is left that nobody removes: a slot, a snapshot, a charge.',
    runbook: 'docs/runbooks/undo-failed.md',
  },
  'operations-failing': {
    metric: failedOfHundred(metrics, 15),
    threshold: 5,
    impact: 'Of what tenants ask for, five of a hundred or more fails; each was undone, and has to be asked for again.',
    runbook: 'docs/runbooks/operations-failing.md',
  },
  'operations-failing-suddenly': {
    metric: failedOfHundred(metrics, 5),
    // A deploy under way has a tenth of the operations, for ten minutes: of its own, these are a fifth.
    threshold: 2,
    impact:
      'Of what tenants ask for, two of a hundred or more has begun to fail; a deploy under way is the first cause.',
    runbook: 'docs/runbooks/operations-failing.md',
    rollsBack: true,
  },
  'operations-waiting': {
    metric: metrics.most('OperationsWaiting'),
    ...MEASURED,
    impact: 'Tenants have waited over five minutes for work that has not begun, or does not go on.',
    runbook: 'docs/runbooks/operations-waiting.md',
  },
  'queue-long': {
    metric: largestOf(
      FLEET_TIERS.map((tier) => metrics.most('QueueAge', { tier })),
      'Longest wait for a place, in seconds',
    ),
    threshold: HOUR_SECONDS / 2,
    ...MEASURED,
    impact: 'Tenants have waited over half an hour for a place for their graph: a tier is full and does not grow.',
    runbook: 'docs/runbooks/operations-waiting.md',
  },
  'waits-given-up': {
    metric: metrics.count('WaitGivenUp'),
    impact:
      'What a tenant asked for was given up after its longest wait: there was no place, or its instance was closed.',
    runbook: 'docs/runbooks/operations-waiting.md',
  },
  'executions-lost': {
    metric: metrics.of('ExecutionLost', { statistic: 'Sum', minutes: 15 }),
    threshold: 3,
    impact: 'Workflows end without a word; what tenants asked for takes longer, and fails after five executions.',
    runbook: 'docs/runbooks/executions-lost.md',
  },
  'subscriptions-waiting': {
    // One that waits is looked at every five minutes.
    metric: metrics.of('SubscriptionsWaiting', { statistic: 'Maximum', minutes: 10 }),
    ...MEASURED,
    impact: 'Tenants have paid for a graph and are without it after more than five minutes.',
    runbook: 'docs/runbooks/subscriptions-waiting.md',
  },
  'dead-letters': {
    metric: largestOf(
      [metrics.most('DeadLetters', { letters: 'webhook' }), metrics.most('DeadLetters', { letters: 'lineage' })],
      'Dead letters',
    ),
    ...MEASURED,
    impact: 'An event of the billing provider has had no effect, or the catalogue of lineage lacks one of ours.',
    runbook: 'docs/runbooks/dead-letters.md',
  },
});

/** Alarms on instances, what works on them and their refreshes. */
export const fleetAlarms = (metrics: ServiceMetrics): Alarms => ({
  'instance-quarantined': {
    metric: metrics.most('Instances', { state: 'QUARANTINED' }),
    ...MEASURED,
    impact: 'The tenants of an instance can neither query nor change their graphs: it is silent, or did not come up.',
    runbook: 'docs/runbooks/instance-quarantined.md',
  },
  'cycle-forced': {
    metric: metrics.count('CycleForced'),
    impact: 'Work of tenants was cut off by a refresh, as its policy asked for; it is done again, and takes longer.',
    runbook: 'docs/runbooks/cycle-forced.md',
  },
  'refresh-given-up': {
    metric: metrics.count('RefreshGivenUp'),
    impact: 'An instance was not refreshed and runs its old image: a fix that was to be rolled out is not everywhere.',
    runbook: 'docs/runbooks/refresh-given-up.md',
  },
  'lease-old': {
    metric: metrics.most('OldestLease'),
    // The longest job may take four hours.
    threshold: 5 * HOUR_SECONDS,
    ...MEASURED,
    impact: 'An instance is held busy for longer than any work may take; its refresh waits for that, or cuts it off.',
    runbook: 'docs/runbooks/lease-old.md',
  },
  'drain-long': {
    metric: metrics.most('LongestDrain'),
    // No refresh may wait for longer than twelve hours.
    threshold: 13 * HOUR_SECONDS,
    ...MEASURED,
    impact: 'An instance has been closed for longer than any refresh may wait; work for its graphs does not begin.',
    runbook: 'docs/runbooks/drain-long.md',
  },
});

/** Which alarm tells that a schedule does not run. An alarm can watch ten metrics. */
const WATCHED_BY: Readonly<Record<ScheduleName, 'schedules-stopped' | 'upkeep-stopped'>> = {
  'reconcile-operations': 'schedules-stopped',
  'settle-subscriptions': 'schedules-stopped',
  'retry-billing-events': 'schedules-stopped',
  'deliver-lineage': 'schedules-stopped',
  'serve-queues': 'schedules-stopped',
  'watch-instances': 'schedules-stopped',
  'watch-leases': 'schedules-stopped',
  'keep-backups': 'upkeep-stopped',
  'keep-capacity': 'upkeep-stopped',
  'materialize-stale': 'upkeep-stopped',
  'rescue-graphs': 'upkeep-stopped',
  'scale-in': 'upkeep-stopped',
  'sweep-leftovers': 'upkeep-stopped',
};

/** An alarm on the schedules that are watched by it. */
const stoppedAlarm = (metrics: ServiceMetrics, alarm: 'schedules-stopped' | 'upkeep-stopped', impact: string) => {
  const schedules = (Object.keys(WATCHED_BY) as ScheduleName[]).filter((name) => WATCHED_BY[name] === alarm);
  const runs = schedules.map((schedule) => metrics.count('ScheduleRan', { schedule }));
  return {
    metric: countedOf('MIN', runs, 'Fewest runs of a schedule in five minutes'),
    isLeast: true,
    periods: 2,
    missing: TreatMissingData.BREACHING,
    impact,
    runbook: 'docs/runbooks/schedules-stopped.md',
  } satisfies Definition;
};

/** Alarms on the service itself; `table` is its name. */
export const serviceAlarms = (metrics: ServiceMetrics, { table }: { table: string }): Alarms => ({
  'schedules-stopped': stoppedAlarm(
    metrics,
    'schedules-stopped',
    'What was lost is not found any more, what waits is not served, and the alarms that schedules feed stay as they are.',
  ),
  'upkeep-stopped': stoppedAlarm(
    metrics,
    'upkeep-stopped',
    'Tiers do not grow or shrink, graphs are not rescued, backed up or loaded by themselves, and leftovers stay.',
  ),
  faults: {
    metric: countedOf(
      'SUM',
      [
        metrics.count('Fault', { in: 'api' }),
        metrics.count('Fault', { in: 'step' }),
        metrics.count('Fault', { in: 'schedule' }),
      ],
      'Faults',
    ),
    threshold: 10,
    impact: 'Something fails that nobody foresaw: tenants get 5xx, or their work is tried again and again.',
    runbook: 'docs/runbooks/faults.md',
    rollsBack: true,
  },
  'api-failing': {
    metric: ANSWER_FAILED.of(metrics.service),
    threshold: 10,
    impact: 'Tenants get 5xx from the API: functions fail before they can answer, or are not reached.',
    runbook: 'docs/runbooks/faults.md',
    rollsBack: true,
  },
  'functions-crashing': {
    metric: FUNCTION_CRASHED.of(metrics.service),
    threshold: 3,
    impact: 'Functions can not start, or are ended for their time or memory: calls get 5xx, work is tried again.',
    runbook: 'docs/runbooks/faults.md',
    rollsBack: true,
  },
  'functions-throttled': {
    metric: awsMetric('AWS/Lambda', 'Throttles', {}),
    threshold: 10,
    impact: "The account's functions have no room to run: the API answers 5xx, and workflows are slower.",
    runbook: 'docs/runbooks/throttled.md',
  },
  'workflows-throttled': {
    metric: awsMetric('AWS/States', 'ThrottledEvents', { ServiceMetric: 'StateTransition' }),
    threshold: 10,
    impact: "The account's workflows have used up their transitions: what tenants asked for takes longer.",
    runbook: 'docs/runbooks/throttled.md',
  },
  'table-throttled': {
    metric: countedOf(
      'SUM',
      ['ReadThrottleEvents', 'WriteThrottleEvents'].map((name) =>
        awsMetric('AWS/DynamoDB', name, { TableName: table }),
      ),
      'Throttled reads and writes',
    ),
    threshold: 10,
    impact: 'The control table refuses reads or writes: calls and steps are slower, and fail if it goes on.',
    runbook: 'docs/runbooks/throttled.md',
  },
  'append-failing': {
    metric: metrics.count('AppendFailed'),
    threshold: 3,
    impact: 'Events can not be written to the logs of operations: work stands still, and clients see nothing of it.',
    runbook: 'docs/runbooks/append-failing.md',
  },
  'streams-failing': {
    metric: metrics.count('StreamFailed'),
    threshold: 3,
    impact: 'Clients that watch their operations are cut off; they come back by themselves, and are cut off again.',
    runbook: 'docs/runbooks/streams-failing.md',
  },
  'audit-failing': {
    metric: metrics.count('AuditFailed'),
    impact:
      'A denial, or how an action of an operator went, is missing in the audit; its line in the log is what is left.',
    runbook: 'docs/runbooks/audit-failing.md',
  },
});

/** Makes alarms, all of which tell the same topic and have their runbooks in the same place. */
export const addAlarms = (
  scope: Construct,
  alarms: Alarms,
  { namePrefix, topicArn, runbooks }: Pick<ServiceAlarmProps, 'namePrefix' | 'topicArn' | 'runbooks'>,
): ServiceAlarm[] =>
  Object.entries(alarms).map(
    ([name, definition]) =>
      new ServiceAlarm(scope, `${pascalCase(name)}Alarm`, { ...definition, name, namePrefix, topicArn, runbooks }),
  );
