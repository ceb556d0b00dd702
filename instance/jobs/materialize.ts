import { appendFile, mkdir, rm } from 'node:fs/promises';
import { Refusal } from '../../domain/failure.ts';
import { type GraphStore, operationIdOfWriter } from '../../domain/graph/graph.ts';
import {
  chosenOf,
  type LoadedSnapshot,
  type MaterializationRequest,
  tablesToLoad,
  tablesWith,
  withDerived,
} from '../../domain/materialization/materialization.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { newSnapshot } from '../../domain/snapshot/snapshot.ts';
import { sourceOf } from '../../domain/table/freshness.ts';
import { newLoadReportKey } from '../../domain/table/staging.ts';
import type { TableStore } from '../../domain/table/table.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { loadGraph } from '../loading/load-graph.ts';
import type { StagedFile } from '../loading/load-plan.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { fetchChecked, type Workspace } from '../workspace.ts';
import { askedOf, commitUpload } from './commit-upload.ts';
import { deriveTables, rejectedLines } from './derive-tables.ts';
import type { JobWork } from './job-runner.ts';
import { type Passage, ProgressEvents } from './progress-events.ts';

const LOADING: Passage = { step: 'loadGraph', rowsAre: 'loaded', fromPercent: 20, toPercent: 80 };

type Dependencies = {
  workspace: Workspace;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  accesses: Pick<RepositoryAccessStore, 'get'>;
  objects: ObjectStore;
  tables: TableStore;
};

/**
 * Loads a graph's tables into a new database beside the one that serves, and uploads it. It counts when the log has it; the
 * next step of the workflow moves the pointer.
 */
export const materialize =
  ({ workspace, cache, operations, graphs, accesses, objects, tables }: Dependencies): JobWork<'materialize'> =>
  async (job, signal) => {
    const { operationId, graphId } = job;
    const request = await askedOf<MaterializationRequest>(operations, operationId);
    if (request === undefined) return;
    // The graph is claimed, so all that it is to be made of stays where it is while this runs.
    const [graph, staged] = await Promise.all([graphs.get(graphId), tables.list(graphId)]);
    if (!graph?.writer || operationIdOfWriter(graph.writer) !== operationId)
      throw new Refusal('conflict', `The graph "${graphId}" is not this operation's any more.`);
    const at = new Date().toISOString();
    const scratch: string[] = [];
    const scratchFile = (extension = '') => {
      scratch.push(`${workspace.scratchFile()}${extension}`);
      return scratch.at(-1) ?? '';
    };
    const [output, report, directory] = [scratchFile(), scratchFile(), scratchFile()];
    let progress: ProgressEvents | undefined;
    try {
      await mkdir(directory);
      const limits = TABLE_LIMITS[graph.tier];
      const asked = { operationId, graph, staged, request, limits };
      const derived = await deriveTables({ cache, graphs, accesses, operations }, asked, { directory, signal });
      const kept = withDerived(graphId, staged, derived);
      const chosen = tablesWith(request, derived);
      const toLoad = tablesToLoad(graph, kept, chosen);
      const rowsToLoad = toLoad.reduce((sum, { part }) => sum + part.rows, 0);
      progress = new ProgressEvents(operations, operationId, LOADING, rowsToLoad);
      const files: StagedFile[] = [];
      for (const { table, part } of toLoad) {
        const made = derived.find((own) => own.table === table);
        // The engine knows the format by the name.
        const path = made?.path ?? scratchFile('.parquet');
        if (made === undefined) await fetchChecked(objects, part, path, `What is staged of ${table}`);
        signal.throwIfAborted();
        files.push({ table, path });
      }
      const { entity } = graph;
      const isStaged = toLoad.some(({ table }) => table === entity?.table);
      const loaded = await loadGraph(
        {
          schema: graph.schema,
          files,
          entity: isStaged ? null : entity,
          limits,
          ignoreErrors: request.ignoreErrors,
          output,
          report,
        },
        { temporaryDirectory: scratchFile(), signal },
        (done) => progress?.tell(done),
      );
      await progress.settled();
      signal.throwIfAborted();

      const { checksum, bytes, rows } = loaded;
      const tablesLoaded = loaded.tables.map((table) => {
        const left = derived.find((own) => own.table === table.table)?.rejected.count ?? 0;
        return { ...table, rejected: table.rejected + left };
      });
      const rejected = tablesLoaded.reduce((sum, table) => sum + table.rejected, 0);
      const snapshot: LoadedSnapshot['snapshot'] = {
        ...newSnapshot(graphId, (graph.snapshot?.version ?? 0) + 1, { checksum, bytes }),
        source: sourceOf(graph.snapshot?.source, chosenOf(kept, chosen), { operationId, at }),
      };
      const made: LoadedSnapshot = {
        snapshot,
        tables: tablesLoaded,
        derived: derived.map(({ table, version, part, source }) => ({ table, version, part, source })),
        rows,
        rejected,
        report: rejected > 0 ? newLoadReportKey(graphId, operationId) : null,
      };
      await appendFile(report, rejectedLines(derived));
      await commitUpload({ operations, objects }, job, {
        files: [
          ...derived.map(({ part, path }) => ({ key: part.key, file: path })),
          { key: snapshot.key, file: output },
          ...(made.report === null ? [] : [{ key: made.report, file: report }]),
        ],
        signal,
        done: {
          step: 'loadGraph',
          message: `${rows} rows loaded`,
          detail: { tables: tablesLoaded, rows, rejected, snapshotVersion: snapshot.version },
          made,
        },
        // Nobody asks for it before it is published; then it need not be fetched.
        onCommitted: () => cache.adopt(graphId, snapshot, output),
      });
    } finally {
      await progress?.settled();
      for (const path of scratch) await rm(path, { recursive: true, force: true });
    }
  };
