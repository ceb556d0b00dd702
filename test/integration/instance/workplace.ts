import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { JOB_KINDS, type JobKind } from '../../../domain/fleet/instance-job.ts';
import { resolveSchema } from '../../../domain/graph/resolve-schema.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { newSnapshot, type Snapshot } from '../../../domain/snapshot/snapshot.ts';
import { insertEntity } from '../../../instance/database/build-database.ts';
import { DatabaseTemplates } from '../../../instance/database-templates.ts';
import { Holdings } from '../../../instance/jobs/holdings.ts';
import type { JobWork, JobWorks } from '../../../instance/jobs/job-runner.ts';
import type { Logger } from '../../../instance/logger.ts';
import { SnapshotCache } from '../../../instance/snapshot-cache.ts';
import { TaskProtection } from '../../../instance/task-protection.ts';
import { measureFile, Workspace } from '../../../instance/workspace.ts';
import { temporaryDirectory } from '../local/temporary-directory.ts';

/** The directory's object store, where a test can have its say at the right moment. */
export class WatchedObjectStore extends DirectoryObjectStore {
  /** The keys that were fetched, in order. */
  readonly downloads: string[] = [];
  /** Runs before an object is fetched. */
  beforeDownload: () => Promise<void> = async () => {};
  /** Runs when an object is there. */
  afterUpload: () => Promise<void> = async () => {};

  override async download(key: string, file: string): Promise<void> {
    this.downloads.push(key);
    await this.beforeDownload();
    await super.download(key, file);
  }

  override async upload(key: string, file: string): Promise<void> {
    await super.upload(key, file);
    await this.afterUpload();
  }
}

export const silent: Logger = { info() {}, warn() {}, error() {} };

export const baseSchema = resolveSchema({ schema: null, extensions: [] }).schema;

/** A graph's file that is nowhere but on the disk yet. */
export type GraphFile = { graphId: string; file: string; snapshot: Snapshot };

export type Workplace = {
  workspace: Workspace;
  templates: DatabaseTemplates;
  objects: WatchedObjectStore;
  cache: SnapshotCache;
  /** A graph with one Entity, which is named like the graph. */
  newGraph(graphId: string): Promise<GraphFile>;
  /** The same graph, in the object store only. */
  uploadedGraph(graphId: string): Promise<GraphFile>;
  /** What has not been cleared away of what was being built or fetched. */
  scratchFiles(): Promise<string[]>;
  cachedFiles(): Promise<string[]>;
};

/** The parts of an instance in a directory of the test's own. */
export const openWorkplace = async ({ cacheBytes = 2 ** 30, openDatabases = 8 } = {}): Promise<Workplace> => {
  const directory = await temporaryDirectory();
  const workspace = await Workspace.open(join(directory, 'work'));
  const templates = new DatabaseTemplates(workspace.templateDirectory);
  const objects = new WatchedObjectStore(join(directory, 'store'));
  const cache = await SnapshotCache.open(workspace, objects, { bytes: cacheBytes, openDatabases });
  onTestFinished(() => cache.close());
  const newGraph = async (graphId: string): Promise<GraphFile> => {
    const file = join(directory, graphId);
    await templates.copyTo(file, baseSchema);
    await insertEntity(file, { table: 'Entity', properties: { identifier: graphId } }, baseSchema);
    return { graphId, file, snapshot: newSnapshot(graphId, 1, await measureFile(file)) };
  };
  return {
    workspace,
    templates,
    objects,
    cache,
    newGraph,
    uploadedGraph: async (graphId) => {
      const graph = await newGraph(graphId);
      await objects.upload(graph.snapshot.key, graph.file);
      return graph;
    },
    scratchFiles: () => readdir(join(directory, 'work', 'build')),
    cachedFiles: () => readdir(workspace.cacheDirectory),
  };
};

/** What every job is handed over with; `holding` counts how often it was. */
export const jobOf = <Kind extends JobKind>(
  kind: Kind,
  { operationId, graphId }: { operationId: string; graphId: string },
  holding = 1,
) => ({
  kind,
  operationId,
  graphId,
  tenantId: 'acme',
  taskToken: 'token',
  generation: 1,
  leaseId: `${operationId}.${holding}`,
});

/** The same work for every kind of job, for a test of what runs them. */
export const everyKindOfJob = (work: JobWork): JobWorks =>
  Object.fromEntries(JOB_KINDS.map((kind) => [kind, work])) as JobWorks;

/** An instance that never is refused what it does. */
export const uncounted = new Holdings({
  instanceId: 'inst-1',
  store: { confirm: async () => {} },
  leases: { release: async () => {} },
  protection: new TaskProtection(undefined, silent),
  logger: silent,
});

/** Puts something that is no database where a file is. */
export const spoil = (file: string): Promise<void> => writeFile(file, 'This is not a database. '.repeat(1_000));
