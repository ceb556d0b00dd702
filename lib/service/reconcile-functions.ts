import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { EXECUTION_OVER } from '../../contract/execution-over.ts';
import { FUNCTIONS, type FunctionDefinition, type FunctionName } from '../../contract/functions.ts';
import {
  type FunctionTable,
  LAUNCHES_INSTANCES,
  OPENS_GATES,
  SERVES_QUEUES,
  SETTLES_SUBSCRIPTIONS,
} from './function-table.ts';
import type { GraphfleetFunction } from './graphfleet-function.ts';

/** The functions that run by themselves, and what each may do. */
export const RECONCILE_FUNCTIONS: FunctionTable<'reconcile'> = {
  'reconcile-operations': {
    may: ['findsOpenOperations', 'findsFailedUndos', 'readsLog', 'appendsToLog', 'keepsRotations'],
    mayInWorkflows: 'settles',
    wakesWorkflows: true,
  },
  'settle-operation': { may: ['readsLog', 'appendsToLog'], mayInWorkflows: 'settles', wakesWorkflows: true },
  'retry-billing-events': {
    may: [...SETTLES_SUBSCRIPTIONS, 'processesWebhooks', 'findsWebhooks', 'keepsRotations'],
    mayInWorkflows: 'starts',
  },
  'deliver-lineage': { may: ['readsLineage', 'deliversLineage', 'findsLineage', 'keepsRotations'] },
  'settle-subscriptions': { may: [...SETTLES_SUBSCRIPTIONS, 'findsDueSubscriptions'], mayInWorkflows: 'starts' },
  'sweep-leftovers': {
    may: [
      'findsProvisioningGraphs',
      'findsUnsettledAccesses',
      'readsLog',
      'readsGraphs',
      'changesGraphs',
      'removesGraphs',
      'changesInstances',
      'changesAccesses',
      'removesAccesses',
      'changesAccounts',
      'settlesCredits',
      'keepsRotations',
    ],
  },
  'keep-backups': {
    may: [
      'readsPauses',
      'readsFlags',
      'findsInstances',
      'readsInstances',
      'readsGraphs',
      'readsBackups',
      'findsPastBackups',
      'forgetsBackups',
      'readsLog',
      'appendsToLog',
      'keepsRotations',
    ],
    mayInBucket: ['removesBackups'],
    mayInWorkflows: 'starts',
  },
  'keep-capacity': { may: LAUNCHES_INSTANCES, mayInWorkflows: 'starts' },
  'scale-in': {
    may: [
      'readsLog',
      'appendsToLog',
      'readsTiers',
      'readsQueues',
      'findsInstances',
      'readsInstances',
      'changesInstances',
      'locksTiers',
    ],
    mayInWorkflows: 'starts',
  },
  'rescue-graphs': {
    may: [...OPENS_GATES, 'keepsRotations'],
    mayInFleet: ['describesInstances'],
    wakesWorkflows: true,
  },
  'materialize-stale': {
    may: [
      'readsFlags',
      'keepsRotations',
      'findsStaleGraphs',
      'readsTables',
      'changesTables',
      'readsGraphs',
      'changesGraphs',
      'readsInstances',
      'readsAccounts',
      'readsPauses',
      'readsLog',
      'appendsToLog',
    ],
    mayInWorkflows: 'starts',
  },
  'serve-queues': { may: SERVES_QUEUES, wakesWorkflows: true },
  'watch-leases': {
    may: ['findsInstances', 'readsInstances', 'changesInstances', 'leavesInstanceWaits', 'readsLog', 'keepsRotations'],
    wakesWorkflows: true,
  },
  'watch-instances': { may: [...SERVES_QUEUES, 'readsTiers', 'keepsRotations'], wakesWorkflows: true },
};

/** Runs each of the functions as often as its definition says. */
export const scheduleFunctions = (
  scope: Construct,
  functions: { readonly [Name in FunctionName]?: GraphfleetFunction },
): void => {
  for (const [name, scheduled] of Object.entries(functions)) {
    const { everyMinutes }: FunctionDefinition = FUNCTIONS[name as FunctionName];
    if (everyMinutes === undefined) continue;
    // The next run does the same work, so one that is missed or failed is not repeated: neither by what delivers nor by Lambda.
    const once = { retryAttempts: 0, maxEventAge: Duration.minutes(everyMinutes) };
    scheduled.live.configureAsyncInvoke(once);
    new Rule(scope, `${scheduled.node.id}Schedule`, {
      schedule: Schedule.rate(once.maxEventAge),
      targets: [new LambdaFunction(scheduled.live, once)],
    });
  }
};

/** Runs the functions that want to know it whenever an execution of one of the machines did not end well. */
export const runOnExecutionOver = (
  scope: Construct,
  functions: { readonly [Name in FunctionName]?: GraphfleetFunction },
  machines: readonly StateMachine[],
): void => {
  const { source, detailType, statuses, namePrefix } = EXECUTION_OVER;
  const eventPattern = {
    source: [source],
    detailType: [detailType],
    detail: {
      stateMachineArn: machines.map(({ stateMachineArn }) => stateMachineArn),
      status: [...statuses],
      name: [{ prefix: namePrefix }],
    },
  };
  for (const [name, run] of Object.entries(functions)) {
    const { onExecutionOver }: FunctionDefinition = FUNCTIONS[name as FunctionName];
    if (!onExecutionOver) continue;
    new Rule(scope, `${run.node.id}ExecutionOver`, {
      eventPattern,
      // No dead letters: what is not delivered by then has been found by the schedule, which goes through all that is open.
      targets: [new LambdaFunction(run.live, { retryAttempts: 4, maxEventAge: Duration.minutes(10) })],
    });
  }
};
