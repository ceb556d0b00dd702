import type { FunctionName } from '../../contract/functions.ts';
import type { BucketPermission } from '../data/snapshot-bucket.ts';
import type { TablePermission } from '../data/table-permissions.ts';
import type { FleetPermission } from '../fleet/instance-fleet.ts';
import { LAUNCHES_INSTANCES, OPENS_GATES, SERVES_QUEUES, SETTLES_SUBSCRIPTIONS } from './function-table.ts';

/**
 * Why a role may do what the recorded runs never do in it (`npm run test:iam`): a grant that is neither used nor here
 * fails that test, and so does a reason for what is not granted.
 */

/** Whose roles they are that AWS acts in, as `test/iam/roles.ts` names them. */
export type ActedInByAws =
  | 'function'
  | 'function in the network'
  | 'machine'
  | 'instance-execution'
  | 'host'
  | 'rollout'
  | 'flow-log'
  | 'gateway-log';

/**
 * What AWS does in a role of ours, by whose it is; no code of ours asks for it. A role that may not do all of it fails a test,
 * and so does one that only AWS takes on and that may do more.
 */
export const ACTS_OF_AWS: Readonly<Record<ActedInByAws, Readonly<Record<string, string>>>> = {
  function: {
    'logs:CreateLogStream': 'Lambda writes down what functions print.',
    'logs:PutLogEvents': 'The same.',
    'xray:PutTraceSegments': 'Lambda traces what it runs.',
    'xray:PutTelemetryRecords': 'The same.',
  },
  'function in the network': {
    'ec2:CreateNetworkInterface': 'Lambda connects a function to the network of the instances.',
    'ec2:DescribeNetworkInterfaces': 'The same.',
    'ec2:DescribeSubnets': 'The same.',
    'ec2:DeleteNetworkInterface': 'The same.',
    'ec2:AssignPrivateIpAddresses': 'The same.',
    'ec2:UnassignPrivateIpAddresses': 'The same.',
  },
  machine: {
    'xray:PutTraceSegments': 'Step Functions traces what it runs.',
    'xray:PutTelemetryRecords': 'The same.',
    'xray:GetSamplingRules': 'Step Functions asks which executions are to be traced.',
    'xray:GetSamplingTargets': 'The same.',
    'logs:CreateLogDelivery': 'Step Functions sets up the log of a machine.',
    'logs:GetLogDelivery': 'The same.',
    'logs:UpdateLogDelivery': 'The same.',
    'logs:DeleteLogDelivery': 'The same.',
    'logs:ListLogDeliveries': 'The same.',
    'logs:PutResourcePolicy': 'The same.',
    'logs:DescribeResourcePolicies': 'The same.',
    'logs:DescribeLogGroups': 'The same.',
  },
  'instance-execution': {
    'ecr:GetAuthorizationToken': 'ECS pulls the image of an instance.',
    'ecr:BatchCheckLayerAvailability': 'The same.',
    'ecr:GetDownloadUrlForLayer': 'The same.',
    'ecr:BatchGetImage': 'The same.',
    'logs:CreateLogStream': 'ECS writes down what instances print.',
    'logs:PutLogEvents': 'The same.',
  },
  host: {
    'ecs:DiscoverPollEndpoint': 'The agent on a host takes tasks for it from ECS.',
    'ecs:Poll': 'The same.',
    'ecs:RegisterContainerInstance': 'A host comes to the cluster.',
    'ecs:DeregisterContainerInstance': 'A host leaves the cluster.',
    'ecs:UpdateContainerInstancesState': 'A host that is to leave takes no more tasks.',
    'ecs:SubmitAttachmentStateChanges': 'The agent tells how tasks are.',
    'ecs:SubmitContainerStateChange': 'The same.',
    'ecs:SubmitTaskStateChange': 'The same.',
    'ecs:StartTelemetrySession': 'The agent tells how much tasks use.',
  },
  rollout: {
    'lambda:GetAlias': 'CodeDeploy moves the aliases of functions.',
    'lambda:UpdateAlias': 'The same.',
    'lambda:GetProvisionedConcurrencyConfig': 'The same.',
    'cloudwatch:DescribeAlarms': 'CodeDeploy takes a version back while an alarm is on.',
  },
  'flow-log': {
    'logs:CreateLogStream': 'VPC writes down the connections of the network.',
    'logs:DescribeLogStreams': 'The same.',
    'logs:PutLogEvents': 'The same.',
  },
  // What it may do is in a policy that AWS keeps.
  'gateway-log': {},
};

/** What several functions do by the same code: which of them it falls to is chance. One of them at least has done it. */
export type SharedWork = {
  readonly why: string;
  readonly may: readonly TablePermission[];
  /** Where it is done. @default anywhere */
  readonly folder?: 'api';
  readonly wakesWorkflows?: true;
  readonly startsWorkflows?: true;
  /** What none of them has done yet: by permission, when. */
  readonly seldom?: { readonly [P in Permission]?: string };
};

export const SHARED_WORK: readonly SharedWork[] = [
  { why: 'A refused call is noted, and counted, by the function that it was for.', may: ['recordsAudit'] },
  {
    why: 'Flags and pauses are read once for some seconds by all that run in a process, here all functions.',
    may: ['readsFlags'],
  },
  { why: 'The same.', may: ['readsPauses'] },
  {
    why: 'A graph that has no record yet is answered for by its operation.',
    folder: 'api',
    may: ['readsGraphs', 'readsLog'],
  },
  { why: 'Who frees a slot gives it to the first that waits for one.', may: SERVES_QUEUES, wakesWorkflows: true },
  {
    why: 'Who opens a gate lets go on what waits at it.',
    may: OPENS_GATES,
    wakesWorkflows: true,
    seldom: { leavesInstanceWaits: 'When something waited at the gate.' },
  },
  { why: 'Who finds a tier too small launches what it lacks.', may: LAUNCHES_INSTANCES, startsWorkflows: true },
  {
    why: 'Events of billing come in any order, and each settles what those before it left.',
    may: SETTLES_SUBSCRIPTIONS,
    startsWorkflows: true,
    seldom: {
      removesAccesses: 'When an account ends whose access was never granted.',
      readsGraphs: 'When the graph of a subscription was asked for and is not there yet.',
    },
  },
  { why: 'Where there is more than one run does, the next begins where this one stopped.', may: ['keepsRotations'] },
];

/** Also a single action, where a permission is of several. */
type Permission =
  | TablePermission
  | BucketPermission
  | FleetPermission
  | 'wakesWorkflows'
  | 'startsWorkflows'
  | `${'ecs' | 's3' | 'states' | 'secretsmanager' | 'kms'}:${string}`;

const UNANSWERED = 'When an instance does not answer: it is gone for certain once ECS says so.';
const PROTECTED = 'When ECS would not stop a task because it protects itself still.';
const NOBODY_LISTENS = 'Where a catalogue of lineage is configured; the stage of the tests has none.';
const REFUSED_AFTER_ALL = 'When the operation is cancelled while the step runs: it takes back what it did.';
const PART_OF_ANOTHER = 'When the operation is a part of another, which waits for it.';
const LAST_LEASE = 'When the job has died before it could end its lease: who waits for the instance goes on.';
const LEFT_BEHIND = 'When something has died that held an instance, or waited for it.';
const HELD_BY_ANOTHER = 'When another operation has the lock of one of the tiers.';
const IDLE = 'When a tier has had idle instances for long.';
const NOT_THERE = 'When the object has just been removed: of what is not there, S3 tells those only who may list.';
const HAS_SECRET = 'On one machine a function has the secret itself in its environment.';
const NOT_MINE = 'When a write on the instance is refused: what it is now tells why.';
const COME = 'When a file has come since it was last looked at.';
const CALLED_OFF = 'When the refresh of the fleet is called off while instances are being refreshed.';
const LATE = 'When something failed long ago that nothing else has settled.';
const BY_SCHEDULE = 'A schedule of days or hours; the stores behind it are tested on their own.';

/** What one function alone may, and does on rare occasions: by permission, when. */
export const SELDOM: { readonly [Name in FunctionName | 'instance']?: { readonly [P in Permission]?: string } } = {
  'activate-access': { putsIntoAccounts: 'When the account is not paid for: somebody is to be reminded.' },
  'allocate-access-credits': { changesAccounts: 'When a pool of the tenant has spent what it owes.' },
  'await-idle': { readsInstances: NOT_MINE },
  'await-task': { readsInstances: NOT_MINE },
  'back-up-graph': { forgetsBackups: REFUSED_AFTER_ALL, removesBackups: REFUSED_AFTER_ALL },
  'begin-delete': {
    changesInstances: 'When a change of tier stopped on its way: the slot that it left is freed.',
    readsAccounts: 'When the graph is deleted because it is not paid for.',
  },
  'claim-graph': {
    readsAccesses: 'When a table is derived from a repository.',
    changesTables: 'When tables are derived.',
    reportsLineage: NOBODY_LISTENS,
  },
  'create-service': { retiresInstances: REFUSED_AFTER_ALL },
  'delete-subgraphs': {
    removesBackups: 'When a subgraph has backups.',
    removesUploads: 'When a subgraph has files.',
    describesInstances: UNANSWERED,
  },
  'deliver-lineage': { readsLineage: NOBODY_LISTENS, deliversLineage: NOBODY_LISTENS },
  'dispatch-job': { wakesWorkflows: LAST_LEASE },
  'download-backup': { 's3:ListBucket': NOT_THERE },
  'drop-database': { describesInstances: UNANSWERED },
  'ensure-repository': {
    changesRepositories: 'When the graph of a repository failed to be made: the next attempt counts on.',
  },
  'finish-retirement': { wakesWorkflows: 'When something waits for the instance that goes.' },
  'finish-tier-change': { changesGraphs: 'When the graph has subgraphs, which follow it.' },
  'get-file': { readsUploads: COME, changesFiles: COME },
  'keep-backups': {
    forgetsBackups: BY_SCHEDULE,
    removesBackups: BY_SCHEDULE,
    readsLog: BY_SCHEDULE,
    appendsToLog: BY_SCHEDULE,
    startsWorkflows: BY_SCHEDULE,
  },
  'launch-instance': { readsInstances: 'When another call takes the name at the same moment.' },
  'list-dead-letters': { findsLineage: NOBODY_LISTENS },
  'list-files': { readsUploads: COME, changesFiles: COME },
  'list-instances': { readsInstances: 'When an instance drains: it is told who holds it.' },
  'lock-tiers': { locksTiers: HELD_BY_ANOTHER },
  'materialize-graph': { readsAccesses: 'When it is loaded from a repository.' },
  'materialize-stale': {
    startsWorkflows: BY_SCHEDULE,
    findsStaleGraphs: BY_SCHEDULE,
    readsTables: BY_SCHEDULE,
    changesTables: BY_SCHEDULE,
    readsGraphs: BY_SCHEDULE,
    changesGraphs: BY_SCHEDULE,
    readsInstances: BY_SCHEDULE,
    readsAccounts: BY_SCHEDULE,
    readsLog: BY_SCHEDULE,
    appendsToLog: BY_SCHEDULE,
  },
  'publish-restored': { changesTables: 'When the snapshot that is restored is of tables.' },
  'publish-snapshot': { changesInstances: LAST_LEASE, wakesWorkflows: LAST_LEASE, reportsLineage: NOBODY_LISTENS },
  'publish-table': { changesInstances: LAST_LEASE, wakesWorkflows: LAST_LEASE },
  'query-graph': { findsInstances: 'When the host of a graph is silent: another instance answers.' },
  'receive-billing-event': { 'secretsmanager:GetSecretValue': HAS_SECRET, 'kms:Decrypt': HAS_SECRET },
  'reconcile-operations': { wakesWorkflows: PART_OF_ANOTHER },
  'record-failure': { wakesWorkflows: PART_OF_ANOTHER },
  'record-undo-failure': { wakesWorkflows: PART_OF_ANOTHER },
  'record-undone': { wakesWorkflows: PART_OF_ANOTHER },
  'redrive-dead-letter': { readsLineage: NOBODY_LISTENS, deliversLineage: NOBODY_LISTENS },
  'refresh-fleet': { locksTiers: HELD_BY_ANOTHER },
  'release-graph': {
    changesTables: 'When tables were to be derived.',
    removesSnapshots: 'When files were uploaded before the operation failed.',
    reportsLineage: NOBODY_LISTENS,
  },
  'release-table': { removesSnapshots: 'When a part was written before the operation failed.' },
  'replace-task': { 'ecs:UpdateTaskProtection': PROTECTED },
  'rescue-graphs': { describesInstances: UNANSWERED },
  'retire-instance': { locksTiers: HELD_BY_ANOTHER },
  'retry-billing-events': { processesWebhooks: 'When an event of billing could not be processed as it came.' },
  'roll-back-task': { 'ecs:UpdateTaskProtection': PROTECTED },
  'scale-in': { readsInstances: IDLE, locksTiers: IDLE, appendsToLog: IDLE, startsWorkflows: IDLE },
  'settle-operation': { wakesWorkflows: PART_OF_ANOTHER },
  'stop-job': { wakesWorkflows: LAST_LEASE },
  'stop-walk': {
    readsInstances: CALLED_OFF,
    startsWorkflows: CALLED_OFF,
    'states:StopExecution': CALLED_OFF,
  },
  'sweep-leftovers': {
    readsGraphs: LATE,
    changesGraphs: LATE,
    removesGraphs: LATE,
    changesInstances: LATE,
    changesAccesses: LATE,
    removesAccesses: LATE,
    changesAccounts: LATE,
    settlesCredits: LATE,
  },
  'switch-tier': { changesInstances: REFUSED_AFTER_ALL },
  undrain: { appendsToLog: 'When the task does not come up: the instance is put in quarantine.' },
  'wait-for-instance': { leavesInstanceWaits: 'When the gate opened just before it was waited at.' },
  'walk-fleet': { 'states:StopExecution': CALLED_OFF },
  'watch-leases': {
    changesInstances: LEFT_BEHIND,
    leavesInstanceWaits: LEFT_BEHIND,
    readsLog: LEFT_BEHIND,
    wakesWorkflows: LEFT_BEHIND,
  },
  instance: {
    'states:SendTaskHeartbeat': 'When a job takes longer than ten seconds.',
    readsAccesses: 'When a table is derived from a repository.',
    forgetsBackups: REFUSED_AFTER_ALL,
    removesBackups: REFUSED_AFTER_ALL,
    removesSnapshots: REFUSED_AFTER_ALL,
  },
};
