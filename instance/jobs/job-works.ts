import type { BackupStore } from '../../domain/backup/backup.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import type { TableStore } from '../../domain/table/table.ts';
import type { TableFileStore } from '../../domain/table/table-file.ts';
import { LOADS_AT_ONCE } from '../../domain/table/table-limits.ts';
import type { DatabaseTemplates } from '../database-templates.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import type { Workspace } from '../workspace.ts';
import { backUp } from './back-up.ts';
import { buildGraph } from './build-graph.ts';
import { forkGraph } from './fork-graph.ts';
import { inTurn } from './in-turn.ts';
import type { JobWorks } from './job-runner.ts';
import { loadSnapshot } from './load-snapshot.ts';
import { materialize } from './materialize.ts';
import { restore } from './restore.ts';
import { stageFiles } from './stage-files.ts';

/** What the works of an instance share. */
export type JobDependencies = {
  workspace: Workspace;
  templates: DatabaseTemplates;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  accesses: Pick<RepositoryAccessStore, 'get'>;
  objects: ObjectStore;
  tables: TableStore;
  files: Pick<TableFileStore, 'get'>;
  backups: BackupStore;
};

/** All that an instance can do for a workflow. */
export const jobWorks = (dependencies: JobDependencies): JobWorks => {
  const loading = inTurn(LOADS_AT_ONCE);
  return {
    'back-up': backUp(dependencies),
    'build-graph': buildGraph(dependencies),
    'load-snapshot': loadSnapshot(dependencies),
    materialize: loading(materialize(dependencies)),
    'fork-graph': loading(forkGraph(dependencies)),
    restore: restore(dependencies),
    'stage-table': loading(stageFiles(dependencies)),
  };
};
