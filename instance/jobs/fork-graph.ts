import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Retryable, Terminal } from '../../domain/failure.ts';
import { FORK_STEP, type Forked, forkPlanOf } from '../../domain/graph/fork.ts';
import { type GraphStore, writerOf } from '../../domain/graph/graph.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { newSnapshot, type Snapshot, type SnapshotSource, type SourceTable } from '../../domain/snapshot/snapshot.ts';
import { emptyTable, newPartKey } from '../../domain/table/table.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { countTables, type ExportedTable, exportTables } from '../loading/export-tables.ts';
import { type LoadProgress, loadGraph } from '../loading/load-graph.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { measureFile, type Workspace } from '../workspace.ts';
import { askedOf, refuseHandedOver } from './commit-upload.ts';
import type { JobWork } from './job-runner.ts';
import { type Passage, ProgressEvents } from './progress-events.ts';

type Dependencies = {
  workspace: Workspace;
  cache: SnapshotCache;
  operations: OperationLog;
  graphs: GraphStore;
  objects: ObjectStore;
};

const FIRST_VERSION = 1;
const READING: Passage = { step: 'exportTables', rowsAre: 'read', fromPercent: 5, toPercent: 30 };
const LOADING: Passage = { step: 'loadTables', rowsAre: 'loaded', fromPercent: 30, toPercent: 55 };

/**
 * Makes a subgraph's first version of its parent's snapshot and publishes it. Its rows are kept as staged tables are, so that
 * the subgraph can be staged into and materialized as any graph. Nothing of it counts before the pointer moves.
 */
export const forkGraph =
  ({ workspace, cache, operations, graphs, objects }: Dependencies): JobWork<'fork-graph'> =>
  async (job, signal) => {
    const { operationId, graphId } = job;
    const asked = await askedOf<GraphRequest>(operations, operationId);
    if (asked?.fork === undefined || asked.parentId === undefined) return;
    const { schema, tier, fork, parentId } = asked;
    const snapshot = (await graphs.get(parentId))?.snapshot;
    if (!snapshot) throw new Terminal('conflict', `The graph "${parentId}" has no snapshot to fork.`);
    const plan = forkPlanOf(schema, fork);
    const directory = workspace.scratchFile();
    const uploaded: string[] = [];
    /** What was uploaded stays when the graph's record names it, or when nobody knows: the answer was lost. */
    let mayBeNamed = false;

    /** Work of which the log is told how far it is. */
    const watched = async <Result>(
      passage: Passage,
      rows: readonly number[],
      work: (onProgress: (progress: LoadProgress) => void) => Promise<Result>,
    ): Promise<Result> => {
      const rowsTotal = rows.reduce((sum, count) => sum + count, 0);
      const progress = new ProgressEvents(operations, operationId, passage, rowsTotal);
      try {
        return await work((done) => progress.tell(done));
      } finally {
        await progress.settled();
      }
    };
    const read = async (file: string) => {
      const { tables, withoutEnds } = plan;
      const counts = await countTables({ file, schema, tables });
      const exported = await watched(READING, counts, (onProgress) =>
        exportTables({ file, schema, tables, directory }, signal, onProgress),
      );
      return { exported, missing: await countTables({ file, schema, tables: withoutEnds }) };
    };
    const load = async (exported: readonly ExportedTable[]): Promise<string> => {
      const output = join(directory, 'graph');
      const files = exported.flatMap(({ table, path }) => (path === null ? [] : [{ table, path }]));
      const report = join(directory, 'report');
      const limits = TABLE_LIMITS[tier];
      const temporaryDirectory = join(directory, 'duckdb');
      const request = { schema, files, limits, ignoreErrors: false, output, report };
      const counts = exported.map((table) => table.rows);
      const loaded = await watched(LOADING, counts, (onProgress) =>
        loadGraph(request, { temporaryDirectory, signal }, onProgress),
      );
      const rows = counts.reduce((sum, count) => sum + count, 0);
      if (loaded.rows !== rows) throw new Terminal('internal', `${loaded.rows} of ${rows} rows came through.`);
      return output;
    };
    const keepPart = async ({ table, rows, path }: ExportedTable): Promise<SourceTable[]> => {
      if (path === null) return [];
      const key = newPartKey(emptyTable(graphId, table));
      uploaded.push(key);
      await objects.upload(key, path);
      return [{ table, version: FIRST_VERSION, part: { key, rows, ...(await measureFile(path)) } }];
    };
    /** The snapshot that is published then: this run's, or that of an earlier one. */
    const publish = async (file: string, source: SnapshotSource): Promise<Snapshot> => {
      const made = { ...newSnapshot(graphId, FIRST_VERSION, await measureFile(file)), source };
      uploaded.push(made.key);
      await objects.upload(made.key, file);
      signal.throwIfAborted();
      refuseHandedOver(await operations.last(operationId), job);
      mayBeNamed = true;
      const published = await graphs.publish(graphId, writerOf(operationId), made);
      const current = published ?? (await graphs.get(graphId))?.snapshot;
      // Behind a later version its first can have been this one, and its parts are named still.
      mayBeNamed = current?.key === made.key || (current?.version ?? 0) > FIRST_VERSION;
      if (published === undefined)
        throw new Terminal('conflict', "The graph is not this operation's to publish any more.");
      if (published.key === made.key) await cache.adopt(graphId, made, file);
      return published;
    };
    /** What the log does not have by an earlier run already. */
    const tell = async (step: string, percent: number, message: string, forked?: Forked) => {
      const told = forked && { detail: forked, made: forked };
      await operations.append(operationId, { type: 'step_completed', step, percent, message, ...told });
    };

    try {
      await mkdir(directory, { recursive: true });
      const { exported, missing } = await cache.lend(parentId, snapshot, read).catch(async (error: unknown) => {
        const isCurrent = (await graphs.get(parentId))?.snapshot?.key === snapshot.key;
        throw isCurrent ? error : replacedMeanwhile(parentId, error);
      });
      await tell('exportTables', 30, `${exported.length} tables read`);
      const file = await load(exported);
      signal.throwIfAborted();
      await tell('loadTables', 55, 'Tables loaded');
      const sources: SourceTable[] = [];
      for (const table of exported) sources.push(...(await keepPart(table)));
      const forked: Forked = {
        parentVersion: snapshot.version,
        tables: [
          ...exported.map(({ table, kind, rows }) => ({ table, kind, rows, rejected: 0 })),
          ...plan.withoutEnds.map(({ name, kind }, at) => ({ table: name, kind, rows: 0, rejected: missing[at] ?? 0 })),
        ],
      };
      const at = new Date().toISOString();
      const { source } = await publish(file, { operationId, at, tables: sources, forked });
      await tell(FORK_STEP, 80, 'Snapshot published', source?.forked ?? forked);
    } finally {
      if (!mayBeNamed) for (const key of uploaded) await objects.remove(key);
      await rm(directory, { recursive: true, force: true });
    }
  };

const replacedMeanwhile = (graphId: string, cause: unknown): Retryable =>
  new Retryable('conflict', `The snapshot of "${graphId}" was replaced while it was read.`, { cause });
