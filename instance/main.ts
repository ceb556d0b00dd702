import { InstanceEnvironment } from '../contract/environment.ts';
import { controlTableClient } from '../domain/aws/control-table-client.ts';
import { HEARTBEAT_SECONDS } from '../domain/fleet/heartbeat.ts';
import { StepFunctionsWaitingTasks } from '../domain/operation/step-functions-waiting-tasks.ts';
import { openObjectStore } from '../domain/snapshot/open-object-store.ts';
import { jobWorks } from './jobs/job-works.ts';
import { TaskReporter } from './jobs/task-reporter.ts';
import { logger, tellInstance } from './logger.ts';
import { openDatabasesIn } from './memory.ts';
import { startInstance } from './start-instance.ts';
import { readTaskIdentity } from './task-metadata.ts';
import { TaskProtection } from './task-protection.ts';

/** ECS on one machine kills it 30 s after SIGTERM. */
const STOP_MS = 25_000;

const environment = InstanceEnvironment.parse(process.env);
const ending = new AbortController();
const task = await readTaskIdentity(environment.ECS_CONTAINER_METADATA_URI_V4);
tellInstance({ instanceId: task.instanceId, tier: environment.INSTANCE_TIER });
const starting = startInstance({
  task,
  tier: environment.INSTANCE_TIER,
  generation: environment.INSTANCE_GENERATION,
  listen: { host: environment.LISTEN_HOST, port: environment.LISTEN_PORT },
  workDirectory: environment.WORK_DIRECTORY,
  cacheLimits: { bytes: environment.CACHE_BYTES, openDatabases: openDatabasesIn(environment.MEMORY_BYTES) },
  table: controlTableClient(environment.CONTROL_TABLE_NAME),
  objects: openObjectStore(environment.OBJECT_STORE_URL),
  works: jobWorks,
  reporter: new TaskReporter(),
  waitingTasks: new StepFunctionsWaitingTasks(),
  protection: new TaskProtection(environment.ECS_AGENT_URI, logger),
  logger,
  heartbeatMs: HEARTBEAT_SECONDS * 1_000,
  onReplaced: () => end(1),
  ending: ending.signal,
});

/** Ends the process once what it has in hand is done, or is too long about it. */
const end = (exitCode: number): void => {
  if (ending.signal.aborted) return;
  ending.abort();
  const leave = () => process.exit(exitCode);
  setTimeout(leave, STOP_MS).unref();
  starting.then(({ stop }) => stop()).then(leave, leave);
};
process.once('SIGTERM', () => end(0));
await starting;
