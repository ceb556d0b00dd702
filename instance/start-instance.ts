import type { AddressInfo } from 'node:net';
import type { ControlTableClient } from '../domain/aws/control-table-client.ts';
import { DynamoBackupStore } from '../domain/backup/dynamo-backup-store.ts';
import { DynamoInstanceStore } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../domain/fleet/dynamo-tier-store.ts';
import type { Instance } from '../domain/fleet/instance.ts';
import type { FleetTier } from '../domain/fleet/tier.ts';
import { DynamoGraphStore } from '../domain/graph/dynamo-graph-store.ts';
import { DynamoLeaseStore } from '../domain/lease/dynamo-lease-store.ts';
import { Leases } from '../domain/lease/leases.ts';
import { DynamoOperationStore } from '../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../domain/operation/operation-log.ts';
import type { WaitingTasks } from '../domain/operation/waiting-tasks.ts';
import { DynamoRepositoryAccessStore } from '../domain/repository/dynamo-repository-access-store.ts';
import type { ObjectStore } from '../domain/snapshot/object-store.ts';
import { DynamoTableFileStore } from '../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../domain/table/dynamo-table-store.ts';
import { DatabaseTemplates } from './database-templates.ts';
import { Holdings } from './jobs/holdings.ts';
import { JobJournal } from './jobs/job-journal.ts';
import { JobRunner, type JobWorks } from './jobs/job-runner.ts';
import type { JobDependencies } from './jobs/job-works.ts';
import type { TaskReporter } from './jobs/task-reporter.ts';
import type { Logger } from './logger.ts';
import { instanceServer } from './server.ts';
import { type CacheLimits, SnapshotCache } from './snapshot-cache.ts';
import type { TaskIdentity } from './task-metadata.ts';
import type { TaskProtection } from './task-protection.ts';
import { Workspace } from './workspace.ts';

export type InstanceParts = {
  task: TaskIdentity;
  tier: FleetTier;
  /** The generation of the instance that the task was started for. */
  generation: number;
  listen: { host: string; port: number };
  workDirectory: string;
  cacheLimits: CacheLimits;
  table: ControlTableClient;
  objects: ObjectStore;
  works: (dependencies: JobDependencies) => JobWorks;
  reporter: TaskReporter;
  waitingTasks: WaitingTasks;
  protection: TaskProtection;
  logger: Logger;
  /** Between two heartbeats; null: nobody watches for them. */
  heartbeatMs: number | null;
  /** Another task is the instance by now. */
  onReplaced: () => void;
  /** Aborted when the task is told to end: from then on it takes no more jobs, nor registers if it has not. */
  ending: AbortSignal;
};

export type StartedInstance = {
  /** Waits for the jobs that run, takes no more, and closes. */
  stop(): Promise<void>;
  /** Lets go of port and files, whatever jobs do. Queries that run are waited for. */
  close(): Promise<void>;
};

/** The instance has been started anew since: the task is nobody's. */
export class PastGeneration extends Error {
  constructor(generation: number) {
    super(`The instance is past generation ${generation}.`);
  }
}

/**
 * Starts a graph instance: it listens, registers, wakes the workflow that waits for it, and tells of the jobs that an earlier
 * process left unfinished.
 * @throws {PastGeneration}
 */
export const startInstance = async (parts: InstanceParts): Promise<StartedInstance> => {
  const { listen, table, objects, reporter, logger } = parts;
  const workspace = await Workspace.open(parts.workDirectory);
  const cache = await SnapshotCache.open(workspace, objects, parts.cacheLimits);
  const templates = new DatabaseTemplates(workspace.templateDirectory);
  const works = parts.works({ ...storesOf(table), workspace, templates, cache, objects });
  const journal = new JobJournal(workspace.jobDirectory);
  const jobs = new JobRunner(works, holdingsOf(parts), reporter, journal, logger);
  parts.ending.addEventListener('abort', () => void jobs.stop(), { once: true });
  // Read before this process can be handed its first job.
  const unfinished = await journal.unfinished();
  let generation: number | undefined;
  const server = instanceServer({ jobs, cache, generation: () => generation, logger });
  let heartbeats: NodeJS.Timeout | undefined;
  const close = async (): Promise<void> => {
    clearInterval(heartbeats);
    server.close();
    server.closeIdleConnections();
    await cache.close();
  };

  try {
    await new Promise<void>((resolve) => server.listen(listen.port, listen.host, resolve));
    if (!parts.ending.aborted) {
      const registered = await register(parts, (server.address() as AddressInfo).port);
      ({ generation } = registered);
      heartbeats = beat(parts);
      await wake(parts, registered);
      await jobs.reportInterrupted(unfinished);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async stop() {
      await jobs.stop();
      await close();
    },
  };
};

const storesOf = (table: ControlTableClient) => ({
  graphs: new DynamoGraphStore(table),
  accesses: new DynamoRepositoryAccessStore(table),
  operations: new OperationLog(new DynamoOperationStore(table)),
  tables: new DynamoTableStore(table),
  files: new DynamoTableFileStore(table),
  backups: new DynamoBackupStore(table),
});

const holdingsOf = ({ task, table, waitingTasks, protection, logger }: InstanceParts): Holdings => {
  const store = new DynamoLeaseStore(table);
  const leases = new Leases(store, waitingTasks);
  return new Holdings({ instanceId: task.instanceId, store, leases, protection, logger });
};

const register = async ({ task, tier, generation, table, logger }: InstanceParts, port: number): Promise<Instance> => {
  const { instanceId, taskArn, address, image } = task;
  const { capacity } = await new DynamoTierStore(table).get(tier);
  const endpoint = `http://${address}:${port}`;
  const registration = { instanceId, tier, endpoint, image, taskArn, capacity, generation };
  const registered = await new DynamoInstanceStore(table).register(registration, new Date().toISOString());
  if (registered === undefined) throw new PastGeneration(generation);
  logger.info('Registered', { endpoint, generation: registered.generation });
  return registered;
};

const beat = ({ task, table, heartbeatMs, onReplaced, logger }: InstanceParts): NodeJS.Timeout | undefined => {
  if (heartbeatMs === null) return undefined;
  const { instanceId, taskArn } = task;
  const instances = new DynamoInstanceStore(table);
  const heartbeat = async (): Promise<void> => {
    if (await instances.heartbeat(instanceId, taskArn, new Date().toISOString())) return;
    logger.error('Another task has registered as this instance', { taskArn });
    onReplaced();
  };
  return setInterval(() => {
    // One that is not written is followed by another; three in a row that are missed make the instance unhealthy.
    heartbeat().catch((error: unknown) => logger.warn('A heartbeat was not written', { error: error as Error }));
  }, heartbeatMs);
};

/** The workflow that launched or cycled it waits; what does not get through is found by the control plane. */
const wake = async ({ waitingTasks, logger }: InstanceParts, { launch, drain, state }: Instance): Promise<void> => {
  const taskToken = launch?.taskToken ?? (state === 'CYCLING' ? drain?.taskToken : null) ?? null;
  if (taskToken === null) return;
  await waitingTasks
    .succeed(taskToken)
    .catch((error: unknown) => logger.warn('The registration was not reported', { error: error as Error }));
};
