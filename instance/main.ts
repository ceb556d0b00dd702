import type { AddressInfo } from 'node:net';
import { InstanceEnvironment } from '../contract/environment.ts';
import { controlTableClient } from '../domain/aws/control-table-client.ts';
import { DynamoBackupStore } from '../domain/backup/dynamo-backup-store.ts';
import { DynamoInstanceStore } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../domain/fleet/dynamo-tier-store.ts';
import { DynamoGraphStore } from '../domain/graph/dynamo-graph-store.ts';
import { DynamoLeaseStore } from '../domain/lease/dynamo-lease-store.ts';
import { Leases } from '../domain/lease/leases.ts';
import { DynamoOperationStore } from '../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../domain/operation/operation-log.ts';
import { StepFunctionsWaitingTasks } from '../domain/operation/step-functions-waiting-tasks.ts';
import { DynamoRepositoryAccessStore } from '../domain/repository/dynamo-repository-access-store.ts';
import { openObjectStore } from '../domain/snapshot/open-object-store.ts';
import { DynamoTableFileStore } from '../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../domain/table/dynamo-table-store.ts';
import { DatabaseTemplates } from './database-templates.ts';
import { Holdings } from './jobs/holdings.ts';
import { JobJournal } from './jobs/job-journal.ts';
import { JobRunner } from './jobs/job-runner.ts';
import { jobWorks } from './jobs/job-works.ts';
import { TaskReporter } from './jobs/task-reporter.ts';
import { logger, tellInstance } from './logger.ts';
import { instanceServer } from './server.ts';
import { SnapshotCache } from './snapshot-cache.ts';
import { readTaskIdentity } from './task-metadata.ts';
import { TaskProtection } from './task-protection.ts';
import { Workspace } from './workspace.ts';

/** An instance that is silent for three of these is unhealthy. */
const HEARTBEAT_MS = 10_000;
const CACHE_BYTES = 10 * 1024 ** 3;
const STOP_MS = 25_000;

const environment = InstanceEnvironment.parse(process.env);
const table = controlTableClient(environment.CONTROL_TABLE_NAME);
const instances = new DynamoInstanceStore(table);
const objects = openObjectStore(environment.OBJECT_STORE_URL);
const workspace = await Workspace.open(environment.WORK_DIRECTORY);
const cache = await SnapshotCache.open(workspace, objects, CACHE_BYTES);
const works = jobWorks({
  workspace,
  templates: new DatabaseTemplates(workspace.templateDirectory),
  cache,
  objects,
  graphs: new DynamoGraphStore(table),
  accesses: new DynamoRepositoryAccessStore(table),
  operations: new OperationLog(new DynamoOperationStore(table)),
  tables: new DynamoTableStore(table),
  files: new DynamoTableFileStore(table),
  backups: new DynamoBackupStore(table),
});
const journal = new JobJournal(workspace.jobDirectory);
const reporter = new TaskReporter();
const { instanceId, taskArn, address, image } = await readTaskIdentity(environment.ECS_CONTAINER_METADATA_URI_V4);
tellInstance({ instanceId, tier: environment.INSTANCE_TIER });
const leases = new DynamoLeaseStore(table);
const holdings = new Holdings({
  instanceId,
  store: leases,
  leases: new Leases(leases, new StepFunctionsWaitingTasks()),
  protection: new TaskProtection(environment.ECS_AGENT_URI, logger),
  logger,
});
const jobs = new JobRunner(works, holdings, reporter, journal, logger);

// Read before this process can be handed its first job.
const unfinished = await journal.unfinished();
let generation: number | undefined;
const server = instanceServer({ jobs, cache, generation: () => generation, logger });

/** Ends the process once what it has in hand is done, or is too long about it: ECS kills it 30 s after SIGTERM. */
const stop = async (): Promise<void> => {
  await jobs.stop();
  server.close();
  server.closeIdleConnections();
  await cache.close();
};
let stopping = false;
const end = (exitCode: number): void => {
  if (stopping) return;
  stopping = true;
  const leave = () => process.exit(exitCode);
  setTimeout(leave, STOP_MS).unref();
  stop().then(leave, leave);
};
process.once('SIGTERM', () => end(0));

await new Promise<void>((resolve) => server.listen(environment.LISTEN_PORT, environment.LISTEN_HOST, resolve));

const tier = (await new DynamoTierStore(table).list()).find(({ tier }) => tier === environment.INSTANCE_TIER);
if (tier === undefined) throw new Error(`There is no tier "${environment.INSTANCE_TIER}".`);
const endpoint = `http://${address}:${(server.address() as AddressInfo).port}`;
const now = () => new Date().toISOString();
const registered = await instances.register(
  {
    instanceId,
    tier: tier.tier,
    endpoint,
    image,
    taskArn,
    capacity: tier.capacity,
    generation: environment.INSTANCE_GENERATION,
  },
  now(),
);
if (registered === undefined) throw new Error(`The instance is past generation ${environment.INSTANCE_GENERATION}.`);
({ generation } = registered);
logger.info('Registered', { endpoint, generation });

const heartbeat = async (): Promise<void> => {
  if (await instances.heartbeat(instanceId, taskArn, now())) return;
  logger.error('Another task has registered as this instance', { taskArn });
  end(1);
};

const { launch, drain, state } = registered;
const awaited = launch?.taskToken ?? (state === 'CYCLING' ? drain?.taskToken : null) ?? null;
if (awaited !== null) {
  // The workflow that launched or cycled it waits; what does not get through is found by the control plane.
  reporter
    .succeeded(awaited)
    .catch((error: unknown) => logger.warn('The registration was not reported', { error: error as Error }));
}

setInterval(() => {
  // One that is not written is followed by another; three in a row that are missed make the instance unhealthy.
  heartbeat().catch((error: unknown) => logger.warn('A heartbeat was not written', { error: error as Error }));
}, HEARTBEAT_MS);

await jobs.reportInterrupted(unfinished);
