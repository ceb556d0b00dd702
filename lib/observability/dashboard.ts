import { Dashboard, GraphWidget, type IMetric, type IWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { INSTANCE_STATES } from '../../domain/fleet/instance.ts';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { OPERATION_KINDS, TERMINAL_STATUSES } from '../../domain/operation/operation.ts';
import { STATE_MACHINES } from '../../domain/operation/workflows.ts';
import { awsMetric, type ServiceMetrics } from './service-metrics.ts';

export type ServiceDashboardProps = {
  /** The dashboard's name, and what the names of functions and machines begin with. */
  readonly namePrefix: string;
  readonly metrics: ServiceMetrics;
  readonly tableName: string;
  /** What the ARNs of state machines begin with, up to the stage's own names. */
  readonly machineArnPrefix: string;
};

/** The one page that shows how a stage is: the fleet, operations, the API, workflows, the table, and what costs. */
export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, props: ServiceDashboardProps) {
    super(scope, id);
    const sections = [fleet(props), operations(props), api(props), workflows(props), table(props)];
    new Dashboard(this, 'Dashboard', { dashboardName: props.namePrefix, widgets: sections.flat() });
  }
}

/** A heading and a row of graphs below it. */
const section = (title: string, graphs: Record<string, IMetric[]>): IWidget[][] => {
  const width = Math.floor(24 / Object.keys(graphs).length);
  return [
    [new TextWidget({ markdown: `## ${title}`, width: 24, height: 1 })],
    Object.entries(graphs).map(([of, left]) => new GraphWidget({ title: of, left, width, leftYAxis: { min: 0 } })),
  ];
};

const fleet = ({ metrics }: ServiceDashboardProps) =>
  section('Fleet', {
    'Instances by state': INSTANCE_STATES.map((state) =>
      metrics.of('Instances', { statistic: 'Maximum', label: state }, { state }),
    ),
    'At work, and free places': FLEET_TIERS.flatMap((tier) => [
      metrics.of('BusyLeases', { statistic: 'Maximum', label: `${tier} at work` }, { tier }),
      metrics.of('FreeSlots', { statistic: 'Minimum', label: `${tier} free` }, { tier }),
    ]),
    'Oldest lease, longest drain, waits of refreshes (s)': [
      metrics.most('OldestLease'),
      metrics.most('LongestDrain'),
      metrics.of('DrainWait', { statistic: 'p99' }),
    ],
    'Refreshes and leftovers': [
      metrics.most('StaleInstances'),
      metrics.count('CycleForced'),
      metrics.count('RefreshGivenUp'),
      metrics.count('LeasesReaped'),
    ],
  });

const operations = ({ metrics }: ServiceDashboardProps) =>
  section('Operations', {
    'Ended, by outcome': TERMINAL_STATUSES.map((outcome) =>
      metrics.of('OperationEnded', { statistic: 'Sum', label: outcome }, { outcome }),
    ),
    'Duration p50 (s)': OPERATION_KINDS.map((kind) =>
      metrics.of('OperationDuration', { statistic: 'p50', label: kind }, { kind }),
    ),
    'Duration p99 (s)': OPERATION_KINDS.map((kind) =>
      metrics.of('OperationDuration', { statistic: 'p99', label: kind }, { kind }),
    ),
    'Wait for a place (s)': FLEET_TIERS.map((tier) =>
      metrics.of('QueueAge', { statistic: 'Maximum', label: tier }, { tier }),
    ),
    'Waiting, given up, not undone': [
      metrics.most('OperationsWaiting'),
      metrics.most('SubscriptionsWaiting'),
      metrics.count('WaitGivenUp'),
      metrics.count('CompensationFailed'),
      metrics.of('DeadLetters', { statistic: 'Maximum', label: 'Dead webhooks' }, { letters: 'webhook' }),
      metrics.of('DeadLetters', { statistic: 'Maximum', label: 'Dead lineage' }, { letters: 'lineage' }),
    ],
  });

const api = ({ metrics, namePrefix }: ServiceDashboardProps) => {
  const gateway = (metric: string, statistic: string) =>
    awsMetric('AWS/ApiGateway', metric, { ApiName: namePrefix }, { statistic });
  const streams = { FunctionName: `${namePrefix}-list-events` };
  return section('API', {
    // With the streams, which last as long as they are watched.
    'Latency (ms)': [gateway('Latency', 'p50'), gateway('Latency', 'p99')],
    Requests: [gateway('Count', 'Sum'), gateway('4XXError', 'Sum'), gateway('5XXError', 'Sum')],
    Streams: [
      awsMetric('AWS/Lambda', 'ConcurrentExecutions', streams, { statistic: 'Maximum', label: 'Open' }),
      metrics.count('StreamOpened'),
      metrics.count('StreamFailed'),
    ],
    Faults: [
      metrics.of('Fault', { statistic: 'Sum', label: 'API' }, { in: 'api' }),
      metrics.of('Fault', { statistic: 'Sum', label: 'Steps' }, { in: 'step' }),
      metrics.of('Fault', { statistic: 'Sum', label: 'Schedules' }, { in: 'schedule' }),
      metrics.count('AppendFailed'),
      metrics.count('AuditFailed'),
    ],
  });
};

const workflows = ({ metrics, machineArnPrefix, namePrefix }: ServiceDashboardProps) => {
  const ofMachines = (metric: string) =>
    STATE_MACHINES.map((name) => {
      const StateMachineArn = `${machineArnPrefix}${namePrefix}-${name}`;
      return awsMetric('AWS/States', metric, { StateMachineArn }, { label: name });
    });
  return section('Workflows', {
    Started: ofMachines('ExecutionsStarted'),
    'Failed: undone, or lost': ofMachines('ExecutionsFailed'),
    'Lost, throttled': [
      metrics.count('ExecutionLost'),
      awsMetric('AWS/States', 'ThrottledEvents', { ServiceMetric: 'StateTransition' }),
    ],
  });
};

const table = ({ tableName }: ServiceDashboardProps) => {
  const ofTable = (metric: string) => awsMetric('AWS/DynamoDB', metric, { TableName: tableName });
  return section('Table and what costs', {
    'Capacity units used': [ofTable('ConsumedReadCapacityUnits'), ofTable('ConsumedWriteCapacityUnits')],
    Throttled: [ofTable('ReadThrottleEvents'), ofTable('WriteThrottleEvents')],
    // What is billed besides: transitions of workflows, and runs of functions, of the whole account.
    'Transitions, runs of functions': [
      awsMetric('AWS/States', 'ConsumedCapacity', { ServiceMetric: 'StateTransition' }),
      awsMetric('AWS/Lambda', 'Invocations', {}),
      awsMetric('AWS/Lambda', 'Throttles', {}),
    ],
  });
};
