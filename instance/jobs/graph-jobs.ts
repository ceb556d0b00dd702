import { access } from 'node:fs/promises';
import { Terminal } from '../../domain/failure.ts';
import type { InstanceJob } from '../../domain/fleet/instance-job.ts';
import { type GraphStore, writerOf } from '../../domain/graph/graph.ts';
import type { EventDraft, OperationEvent } from '../../domain/operation/operation-event.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { snapshotOf } from '../../domain/snapshot/snapshot.ts';
import { buildDatabase } from '../database/build-database.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { measureFile, settle, type Workspace } from '../workspace.ts';
import type { JobWork } from './job-runner.ts';

type Dependencies = {
  workspace: Workspace;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
};

const FIRST_VERSION = 1;

const PROGRESS = {
  createDatabase: { type: 'step_completed', step: 'createDatabase', percent: 25, message: 'Database created' },
  applySchema: { type: 'step_completed', step: 'applySchema', percent: 40, message: 'Schema applied' },
  createEntity: { type: 'step_completed', step: 'createEntity', percent: 55, message: 'Entity created' },
  publishSnapshot: { type: 'step_completed', step: 'publishSnapshot', percent: 80, message: 'Snapshot published' },
} as const satisfies Record<string, EventDraft>;

/** The jobs by which a new graph gets its database and its first snapshot. */
export const graphJobs = ({ workspace, cache, operations, graphs, objects }: Dependencies) => {
  const databases = new Map<string, Promise<string>>();

  /** The operation's database, whole and closed; built when this instance does not have it, or has it no more. */
  const ensureDatabase = (job: InstanceJob): Promise<string> => {
    const key = `${job.graphId}.${job.operationId}`;
    const building = databases.get(key) ?? buildUnlessThere(job).finally(() => databases.delete(key));
    databases.set(key, building);
    return building;
  };

  const buildUnlessThere = async (job: InstanceJob): Promise<string> => {
    const file = workspace.builtFile(job.graphId, job.operationId);
    if (await exists(file)) return file;
    const scratch = workspace.scratchFile();
    // Events are written while the engine works, in order, and are all written before the job ends.
    let written: Promise<OperationEvent | undefined> = Promise.resolve(undefined);
    await buildDatabase(scratch, job.definition, (step) => {
      written = written.then((known) => operations.append(job.operationId, PROGRESS[step], known));
    });
    await settle(scratch, file);
    await written;
    return file;
  };

  const createDatabase: JobWork = async (job) => {
    await ensureDatabase(job);
  };

  const publishSnapshot: JobWork = async (job) => {
    const file = await ensureDatabase(job);
    const snapshot = snapshotOf(job.graphId, FIRST_VERSION, await measureFile(file));
    await objects.upload(snapshot.key, file);
    const current = await graphs.publish(job.graphId, writerOf(job.operationId), snapshot);
    if (current?.key !== snapshot.key) await objects.remove(snapshot.key);
    if (current === undefined) throw new Terminal('conflict', 'The graph is not this operation’s to publish any more.');
    if (current.key === snapshot.key) await cache.adopt(job.graphId, snapshot, file);
    await operations.append(job.operationId, PROGRESS.publishSnapshot);
  };

  return { 'create-database': createDatabase, 'publish-snapshot': publishSnapshot };
};

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
