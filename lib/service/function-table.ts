import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { isCommand } from '../../contract/api/route.ts';
import { ROUTES } from '../../contract/api/routes.ts';
import {
  environmentOf,
  FUNCTIONS,
  type FunctionName,
  type FunctionVariables,
  functionReference,
} from '../../contract/functions.ts';
import { LIVE_ALIAS } from '../../domain/operation/workflows.ts';
import { acknowledge } from '../acknowledge.ts';
import type { ControlTable } from '../data/control-table.ts';
import type { BucketPermission, SnapshotBucket } from '../data/snapshot-bucket.ts';
import type { TablePermission } from '../data/table-permissions.ts';
import type { WebhookSecrets } from '../data/webhook-secrets.ts';
import type { FleetPermission, InstanceFleet } from '../fleet/instance-fleet.ts';
import { type FunctionSettings, GraphfleetFunction } from './graphfleet-function.ts';

/** The folders of `functions/`. */
export type Folder = (typeof FUNCTIONS)[FunctionName]['folder'];
type FunctionIn<F extends Folder> = {
  [N in FunctionName]: (typeof FUNCTIONS)[N]['folder'] extends F ? N : never;
}[FunctionName];

/** What may be done with the executions of every workflow, besides starting them. */
const WORKFLOW_PERMISSIONS = {
  starts: [],
  /** Ends one attempt and starts the next: that is how an operation is cancelled, and retried. */
  restarts: ['states:StopExecution'],
  /** Looks first what has become of an attempt. */
  settles: ['states:StopExecution', 'states:DescribeExecution'],
} as const;
type WorkflowPermission = keyof typeof WORKFLOW_PERMISSIONS;

/** All that a function may do with what Graphfleet keeps, and with the services of instances. */
export type Row = {
  readonly may: readonly TablePermission[];
  readonly mayInBucket?: readonly BucketPermission[];
  readonly mayInFleet?: readonly FleetPermission[];
  readonly mayInWorkflows?: WorkflowPermission;
  /** It verifies webhooks. */
  readonly readsWebhookSecrets?: true;
  /** It lets workflows that wait by a task token go on. */
  readonly wakesWorkflows?: true;
};

/** All functions of a folder; one that is missing does not compile. */
export type FunctionTable<F extends Folder> = { readonly [Name in FunctionIn<F>]: Row };
export type Functions<F extends Folder> = { readonly [Name in FunctionIn<F>]: GraphfleetFunction };

export type Stores = {
  readonly controlTable: ControlTable;
  readonly snapshots: SnapshotBucket;
  readonly webhookSecrets: WebhookSecrets;
};

/** What a function needs that acts on what is known of subscriptions, besides starting workflows. */
export const SETTLES_SUBSCRIPTIONS = [
  'readsAccounts',
  'changesAccounts',
  'putsIntoAccounts',
  'readsGraphs',
  'changesGraphs',
  'listsGraphs',
  'readsAccesses',
  'changesAccesses',
  'removesAccesses',
  'readsLog',
  'appendsToLog',
] as const satisfies readonly TablePermission[];

/** What a function needs that gives free slots to those that wait for one, besides waking workflows. */
export const SERVES_QUEUES = [
  'readsQueues',
  'leavesQueues',
  'readsLog',
  'readsGraphs',
  'changesGraphs',
  'findsInstances',
  'readsInstances',
  'changesInstances',
] as const satisfies readonly TablePermission[];

/** What a function needs that opens the gate of an instance and lets go on what waits for it, besides waking workflows. */
export const OPENS_GATES = [
  ...SERVES_QUEUES,
  'listsInstanceWaits',
  'leavesInstanceWaits',
] as const satisfies readonly TablePermission[];

/** What a function needs that launches what a tier lacks, besides starting workflows. */
export const LAUNCHES_INSTANCES = [
  'readsTiers',
  'readsQueues',
  'findsInstances',
  'changesInstances',
  'readsLog',
  'appendsToLog',
] as const satisfies readonly TablePermission[];

/** Makes the functions of a table, each allowed what its row says. */
export const makeFunctions = <F extends Folder>(
  scope: Construct,
  table: FunctionTable<F>,
  { stores: { controlTable, snapshots, webhookSecrets }, fleet }: { stores: Stores; fleet: InstanceFleet },
  variables: FunctionVariables,
  settings: FunctionSettings,
): Functions<F> => {
  const rows = Object.entries(table) as [FunctionIn<F>, Row][];
  const functions = rows.map(
    ([name, { may, mayInBucket = [], mayInFleet = [], mayInWorkflows, wakesWorkflows, readsWebhookSecrets }]) => {
      const environment = environmentOf(name, variables);
      const made = new GraphfleetFunction(scope, functionReference(name), { name, environment, settings });
      for (const permission of [...may, ...permissionsOfPipeline(name)]) controlTable.grant(made.role, permission);
      for (const permission of mayInBucket) snapshots.grant(made.role, permission);
      for (const permission of mayInFleet) fleet.grant(made.role, permission);
      if (mayInWorkflows) grantWorkflows(made.role, mayInWorkflows, settings.namePrefix);
      if (wakesWorkflows) grantWake(made.role);
      if (readsWebhookSecrets) webhookSecrets.grantRead(made.role);
      for (const name of TOKENS) grantReadSecret(made.role, environment[name]);
      return [name, made] as const;
    },
  );
  return Object.fromEntries(functions) as unknown as Functions<F>;
};

/** What the API's pipeline itself does for a function with a route: it notes denials, and counts commands and queries. */
export const permissionsOfPipeline = (name: FunctionName): readonly TablePermission[] => {
  const route = ROUTES.find((candidate) => candidate.function === name);
  if (route === undefined || !('CONTROL_TABLE_NAME' in FUNCTIONS[name].environment.shape)) return [];
  if (route.countsAsQuery) return ['recordsAudit', 'countsQueries'];
  return isCommand(route) && route.scope !== null ? ['recordsAudit', 'countsCommands'] : ['recordsAudit'];
};

/** Variables that refer to a secret of somebody else's service; it was made outside of these stacks. */
const TOKENS = ['DAGSTER_TOKEN', 'LINEAGE_TOKEN'] as const;

const grantReadSecret = (role: Role, arn: string | undefined): void => {
  if (arn === undefined) return;
  role.addToPolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [arn] }));
};

const grantWake = (role: Role): void => {
  role.addToPolicy(new PolicyStatement({ actions: ['states:SendTaskSuccess'], resources: ['*'] }));
};

/**
 * Allows what a permission names. The machines are named, not referred to: some of these functions are
 * steps of them, and neither could be deployed before the other.
 */
const grantWorkflows = (role: Role, permission: WorkflowPermission, namePrefix: string): void => {
  const arn = (resource: string, resourceName: string) =>
    Stack.of(role).formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  const machines = arn('stateMachine', `${namePrefix}-*`);
  role.addToPolicy(
    new PolicyStatement({
      actions: ['states:StartExecution'],
      // Step Functions asks for the machine, whatever alias or version of it is started.
      resources: [machines],
      conditions: { 'ForAnyValue:StringEquals': { 'states:StateMachineQualifier': LIVE_ALIAS } },
    }),
  );
  acknowledge(role, {
    [`AwsSolutions-IAM5[Resource::${findingArn('stateMachine', `${namePrefix}-*`)}]`]: 'Every workflow of this stage.',
  });
  const onExecutions = WORKFLOW_PERMISSIONS[permission];
  if (onExecutions.length === 0) return;
  const executions = arn('execution', `${namePrefix}-*:op_*`);
  role.addToPolicy(new PolicyStatement({ actions: [...onExecutions], resources: [executions] }));
  acknowledge(role, {
    [`AwsSolutions-IAM5[Resource::${findingArn('execution', `${namePrefix}-*:op_*`)}]`]:
      'Every execution of an operation of this stage; executions have no names before there are operations.',
  });
};

/** An ARN of this stack as cdk-nag writes it. */
const findingArn = (resource: string, name: string): string =>
  `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:${resource}:${name}`;
