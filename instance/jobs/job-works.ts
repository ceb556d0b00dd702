import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import type { DatabaseTemplates } from '../database-templates.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import type { Workspace } from '../workspace.ts';
import { buildGraph } from './build-graph.ts';
import type { JobWorks } from './job-runner.ts';
import { loadSnapshot } from './load-snapshot.ts';

/** What the works of an instance share. */
export type JobDependencies = {
  workspace: Workspace;
  templates: DatabaseTemplates;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
};

/** All that an instance can do for a workflow. */
export const jobWorks = (dependencies: JobDependencies): JobWorks => ({
  'build-graph': buildGraph(dependencies),
  'load-snapshot': loadSnapshot(dependencies),
});
