import * as z from 'zod';
import {
  CommandLimitEnvironment,
  ControlTableEnvironment,
  ExternalJobEnvironment,
  ExternalJobNamesEnvironment,
  FleetEnvironment,
  LifecycleEnvironment,
  LineageDeliveryEnvironment,
  LineageEnvironment,
  ObjectStoreEnvironment,
  QueryLimitEnvironment,
  StreamLimitEnvironment,
  TokenEnvironment,
  UsagePlanEnvironment,
  WebhookEnvironment,
  WorkflowsEnvironment,
} from './environment.ts';

/** A Lambda function: its file is `functions/<folder>/<name>.ts`, its export `handler`. */
export type FunctionDefinition = {
  readonly folder: 'api' | 'steps' | 'reconcile';
  readonly environment: z.ZodObject;
  readonly timeoutSeconds: number;
  /** It speaks to graph instances, so it is placed in their network. */
  readonly reachesInstances?: boolean;
  /** It runs by itself, this often. */
  readonly everyMinutes?: number;
  /** It runs whenever the execution of an operation has failed, timed out or been stopped (`execution-over.ts`). */
  readonly onExecutionOver?: true;
};

/** Memory of each; also the processor's share: 1769 MB are a whole one. */
export const FUNCTION_MEGABYTES = 512;

const None = z.object({});
const Table = ControlTableEnvironment;
const WithObjects = Table.extend(ObjectStoreEnvironment.shape);
const WithFleet = Table.extend(FleetEnvironment.shape);
const Commands = Table.extend(WorkflowsEnvironment.shape);

const api = { folder: 'api', timeoutSeconds: 10, environment: Table } as const;
const command = { ...api, environment: Commands.extend(CommandLimitEnvironment.shape) } as const;
const step = { folder: 'steps', timeoutSeconds: 10, environment: Table } as const;
// Dagster loads the code of a job before it launches it.
const externalJob = { ...step, timeoutSeconds: 25, environment: Table.extend(ExternalJobEnvironment.shape) } as const;
const billing = { ...command, environment: command.environment.extend(LifecycleEnvironment.shape) } as const;
const everyMinute = { folder: 'reconcile', timeoutSeconds: 50, everyMinutes: 1 } as const;
const everyMinuteOnTable = { ...everyMinute, environment: Table } as const;

/** Every function, by name. */
export const FUNCTIONS = {
  authorize: { ...api, environment: Table.extend(TokenEnvironment.shape).extend(UsagePlanEnvironment.shape) },
  'create-graph': command,
  'list-graphs': api,
  'get-graph': api,
  'delete-graph': command,
  'create-subgraph': command,
  'list-subgraphs': api,
  // It asks the engine whether the subgraph is empty, for which the snapshot may have to be fetched.
  'delete-subgraph': { ...command, timeoutSeconds: 29, reachesInstances: true },
  'list-tables': api,
  'get-table': api,
  'register-file': { ...command, environment: command.environment.extend(ObjectStoreEnvironment.shape) },
  'list-files': { ...api, environment: WithObjects },
  'get-file': { ...api, environment: WithObjects },
  'delete-file': { ...command, environment: command.environment.extend(ObjectStoreEnvironment.shape) },
  'get-freshness': api,
  'stage-table': { ...command, environment: command.environment.extend(ObjectStoreEnvironment.shape) },
  'materialize-graph': command,
  'create-backup': command,
  'list-backups': api,
  'get-backup': api,
  'download-backup': { ...api, environment: WithObjects },
  'delete-backup': { ...command, environment: command.environment.extend(ObjectStoreEnvironment.shape) },
  'restore-backup': command,
  'get-load-report': { ...api, environment: WithObjects },
  // A query may run for a minute, and the graph's snapshot may have to be fetched before it.
  'query-graph': {
    ...api,
    timeoutSeconds: 90,
    environment: Table.extend(QueryLimitEnvironment.shape),
    reachesInstances: true,
  },
  'change-tier': command,
  'request-access': command,
  'get-access': api,
  'end-access': command,
  'list-operations': api,
  'get-operation': api,
  // A stream ends by itself after 90 s.
  'list-events': { ...api, timeoutSeconds: 100, environment: Table.extend(StreamLimitEnvironment.shape) },
  'cancel-operation': command,
  'retry-operation': command,
  'resume-operation': command,
  'get-operation-statistics': api,
  'run-job': { ...command, environment: command.environment.extend(ExternalJobNamesEnvironment.shape) },
  'list-audit': api,
  'receive-billing-event': { ...billing, environment: billing.environment.extend(WebhookEnvironment.shape) },
  'list-subscriptions': api,
  'provision-subscription': billing,
  'get-credits': api,
  'consume-credits': command,
  'list-dead-letters': api,
  'redrive-dead-letter': billing,
  'get-flags': api,
  'set-flags': command,
  'get-capacity': api,
  'list-instances': api,
  'get-instance': api,
  'drain-instance': command,
  'undrain-instance': command,
  'retire-instance': command,
  'set-pause': command,
  'list-pauses': api,
  'end-pause': command,
  'launch-instance': command,
  'list-tiers': api,
  'set-tier': command,
  'refresh-fleet': command,
  'list-refreshed-instances': api,
  'get-health': { ...api, environment: None },
  'get-open-api': { ...api, environment: None },

  'take-slot': step,
  'wait-for-capacity': { ...step, environment: Commands },
  'leave-queue': step,
  'await-input': step,
  'dispatch-job': { ...step, reachesInstances: true },
  'wait-for-instance': step,
  'stop-job': { ...step, reachesInstances: true },
  'activate-graph': step,
  'begin-undo': step,
  'deactivate-graph': step,
  'fail-subscription': step,
  'revoke-credits': step,
  'withdraw-snapshot': { ...step, environment: WithObjects },
  'drop-database': { ...step, environment: WithFleet, reachesInstances: true },
  'free-slot': step,
  'remove-graph': step,
  'reserve-subgraph': step,
  'release-subgraph': step,
  'begin-delete': step,
  'abandon-delete': step,
  // Copies of snapshots up to 5 GB, within the store.
  'back-up-graph': { ...step, environment: WithObjects, timeoutSeconds: 290 },
  'remove-backup': { ...step, environment: WithObjects },
  'delete-subgraphs': {
    ...step,
    environment: WithObjects.extend(FleetEnvironment.shape),
    reachesInstances: true,
  },
  'erase-graph': { ...step, environment: WithObjects },
  'ensure-repository': { ...step, environment: Commands },
  'grant-access': step,
  'allocate-access-credits': step,
  'activate-access': step,
  'deactivate-access': step,
  'revoke-access-credits': step,
  'revoke-access': step,
  'take-tier-slot': step,
  'switch-tier': step,
  'switch-tier-back': step,
  'drop-spare-database': { ...step, reachesInstances: true },
  'free-spare-slot': step,
  'finish-tier-change': step,
  'create-service': { ...step, environment: WithFleet },
  'await-registration': step,
  'finish-launch': step,
  'remove-instance': { ...step, environment: WithFleet },
  'begin-drain': step,
  'claim-cycle': step,
  'await-idle': step,
  'replace-task': { ...step, environment: WithFleet },
  'await-task': { ...step, environment: WithFleet },
  'confirm-task': step,
  'reopen-instance': step,
  'roll-back-task': { ...step, environment: WithFleet },
  undrain: { ...step, environment: WithFleet },
  'adopt-tables': { ...step, environment: WithObjects },
  'forget-tables': { ...step, environment: WithObjects },
  'begin-backup': step,
  'finish-backup': step,
  'claim-writer': step,
  'publish-restored': { ...step, environment: WithObjects, timeoutSeconds: 30 },
  'begin-retirement': step,
  requarantine: step,
  'evacuate-instance': { ...step, timeoutSeconds: 25 },
  'remove-service': { ...step, environment: WithFleet },
  'finish-retirement': step,
  'claim-table': step,
  'release-table': { ...step, environment: WithObjects },
  'publish-table': { ...step, environment: WithObjects, timeoutSeconds: 30 },
  'claim-graph': { ...step, environment: Table.extend(LineageEnvironment.shape) },
  'release-graph': { ...step, environment: WithObjects.extend(LineageEnvironment.shape) },
  'publish-snapshot': { ...step, environment: WithObjects.extend(LineageEnvironment.shape), timeoutSeconds: 30 },
  'start-external-job': externalJob,
  'await-external-job': externalJob,
  'terminate-external-job': externalJob,
  'lock-tiers': step,
  'unlock-tiers': step,
  'plan-refresh': step,
  // A thousand instances are listed, and several refreshes begun.
  'walk-fleet': { ...step, environment: Commands, timeoutSeconds: 30 },
  'await-instances': step,
  'stop-walk': { ...step, environment: Commands, timeoutSeconds: 30 },
  'finish-refresh': step,
  'record-failure': step,
  'record-undone': step,
  'record-undo-failure': step,

  'retry-billing-events': { ...everyMinute, environment: Commands.extend(LifecycleEnvironment.shape) },
  'deliver-lineage': { ...everyMinute, environment: Table.extend(LineageDeliveryEnvironment.shape) },
  'settle-subscriptions': { ...everyMinute, environment: Commands.extend(LifecycleEnvironment.shape) },
  'sweep-leftovers': everyMinuteOnTable,
  'reconcile-operations': { ...everyMinute, environment: Commands },
  'settle-operation': { folder: 'reconcile', timeoutSeconds: 10, environment: Commands, onExecutionOver: true },
  'keep-backups': { ...everyMinute, environment: Commands.extend(ObjectStoreEnvironment.shape) },
  'keep-capacity': { ...everyMinute, environment: Commands },
  'scale-in': { ...everyMinute, environment: Commands },
  'rescue-graphs': { ...everyMinute, environment: WithFleet },
  'materialize-stale': { ...everyMinute, environment: Commands },
  'serve-queues': everyMinuteOnTable,
  'watch-instances': everyMinuteOnTable,
  'watch-leases': everyMinuteOnTable,
} as const satisfies Record<string, FunctionDefinition>;

export type FunctionName = keyof typeof FUNCTIONS;

/** The functions that run by themselves. */
export type ScheduleName = {
  [Name in FunctionName]: (typeof FUNCTIONS)[Name] extends { everyMinutes: number } ? Name : never;
}[FunctionName];

export const isSchedule = (name: FunctionName): name is ScheduleName => 'everyMinutes' in FUNCTIONS[name];

type EnvironmentOf<Name extends FunctionName> = z.input<(typeof FUNCTIONS)[Name]['environment']>;
type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** Every variable that any function finds in its environment; one that is missing where they are set does not compile. */
export type FunctionVariables = Intersection<
  {
    [Name in FunctionName]: EnvironmentOf<Name> extends Record<string, never> ? never : EnvironmentOf<Name>;
  }[FunctionName]
>;

/** The variables that a function parses, and no others. */
export const environmentOf = (name: FunctionName, variables: FunctionVariables): Record<string, string> => {
  const wanted = Object.keys(FUNCTIONS[name].environment.shape);
  return Object.fromEntries(
    Object.entries(variables).filter(
      (entry): entry is [string, string] => wanted.includes(entry[0]) && entry[1] !== undefined,
    ),
  );
};

/** The substitution that stands for a function's ARN: `take-slot` is `${TakeSlotFunction}`. */
export const functionReference = (name: FunctionName): string =>
  `${name.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Function`;
