import { rm } from 'node:fs/promises';
import { Refusal } from '../../domain/failure.ts';
import { type GraphStore, operationIdOfWriter } from '../../domain/graph/graph.ts';
import {
  chosenOf,
  type LoadedSnapshot,
  type MaterializationRequest,
  tablesToLoad,
} from '../../domain/materialization/materialization.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { newSnapshot } from '../../domain/snapshot/snapshot.ts';
import { sourceOf } from '../../domain/table/freshness.ts';
import { loadReportKey } from '../../domain/table/staging.ts';
import type { TableStore } from '../../domain/table/table.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { loadGraph } from '../loading/load-graph.ts';
import type { StagedFile } from '../loading/load-plan.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { fetchChecked, type Workspace } from '../workspace.ts';
import { askedOf, commitUpload } from './commit-upload.ts';
import type { JobWork } from './job-runner.ts';
import { ProgressEvents } from './progress-events.ts';

type Dependencies = {
  workspace: Workspace;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
  tables: TableStore;
};

/**
 * Loads a graph's tables into a new database beside the one that serves, and uploads it. It counts when the log has it; the
 * next step of the workflow moves the pointer.
 */
export const materialize =
  ({ workspace, cache, operations, graphs, objects, tables }: Dependencies): JobWork<'materialize'> =>
  async ({ operationId, graphId }, signal) => {
    const request = await askedOf<MaterializationRequest>(operations, operationId);
    if (request === undefined) return;
    // The graph is claimed, so all that it is to be made of stays where it is while this runs.
    const [graph, staged] = await Promise.all([graphs.get(graphId), tables.list(graphId)]);
    if (!graph?.writer || operationIdOfWriter(graph.writer) !== operationId)
      throw new Refusal('conflict', `The graph "${graphId}" is not this operation's any more.`);
    const at = new Date().toISOString();
    const toLoad = tablesToLoad(graph, staged, request);

    const scratch: string[] = [];
    const scratchFile = (extension = '') => {
      scratch.push(`${workspace.scratchFile()}${extension}`);
      return scratch.at(-1) ?? '';
    };
    const progress = new ProgressEvents(
      operations,
      operationId,
      toLoad.reduce((sum, { part }) => sum + part.rows, 0),
    );
    const [output, report] = [scratchFile(), scratchFile()];
    try {
      const files: StagedFile[] = [];
      for (const { table, part } of toLoad) {
        // The engine knows the format by the name.
        const path = scratchFile('.parquet');
        await fetchChecked(objects, part, path);
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
          limits: TABLE_LIMITS[graph.tier],
          ignoreErrors: request.ignoreErrors,
          output,
          report,
        },
        { temporaryDirectory: scratchFile(), signal },
        (done) => progress.tell(done),
      );
      await progress.settled();
      signal.throwIfAborted();

      const { checksum, bytes, rows, rejected } = loaded;
      const snapshot: LoadedSnapshot['snapshot'] = {
        ...newSnapshot(graphId, (graph.snapshot?.version ?? 0) + 1, { checksum, bytes }),
        source: sourceOf(graph.snapshot?.source, chosenOf(staged, request), { operationId, at }),
      };
      const detail: LoadedSnapshot = { snapshot, tables: [...loaded.tables], rows, rejected };
      if (rejected > 0) await objects.upload(loadReportKey(graphId, operationId), report);
      await commitUpload({ operations, objects }, operationId, {
        key: snapshot.key,
        file: output,
        signal,
        done: { step: 'loadGraph', message: `${rows} rows loaded`, detail },
        // Nobody asks for it before it is published; then it need not be fetched.
        onCommitted: () => cache.adopt(graphId, snapshot, output),
      });
    } finally {
      await progress.settled();
      for (const path of scratch) await rm(path, { recursive: true, force: true });
    }
  };
