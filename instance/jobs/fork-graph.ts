import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Terminal } from '../../domain/failure.ts';
import type { JobOf } from '../../domain/fleet/instance-job.ts';
import type { FleetTier } from '../../domain/fleet/tier.ts';
import { FORK_STEP, type Forked, type ForkPlan, forkPlanOf } from '../../domain/graph/fork.ts';
import { type GraphStore, writerOf } from '../../domain/graph/graph.ts';
import type { GraphRequest } from '../../domain/graph/graph-request.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { newSnapshot, type Snapshot, type SnapshotSource, type SourceTable } from '../../domain/snapshot/snapshot.ts';
import { emptyTable, newPartKey } from '../../domain/table/table.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { countTables, type ExportedTable, exportTables } from '../loading/export-tables.ts';
import { loadGraph } from '../loading/load-graph.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { measureFile, type Workspace } from '../workspace.ts';
import { askedOf, refuseHandedOver } from './commit-upload.ts';
import type { JobWork } from './job-runner.ts';
import { lendCurrent } from './lend-current.ts';
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
  (parts: Dependencies): JobWork<'fork-graph'> =>
  async (job, signal) => {
    const asked = await askedOf<GraphRequest>(parts.operations, job.operationId);
    if (asked?.fork === undefined || asked.parentId === undefined) return;
    const { schema, tier, fork, parentId } = asked;
    const parent = (await parts.graphs.get(parentId))?.snapshot;
    if (!parent) throw new Terminal('conflict', `The graph "${parentId}" has no snapshot to fork.`);
    const directory = parts.workspace.scratchFile();
    const run = new Fork(parts, { job, signal, schema, tier, plan: forkPlanOf(schema, fork), directory });
    try {
      await mkdir(directory, { recursive: true });
      const read = await lendCurrent(parts, parentId, parent, (file) => run.read(file));
      const file = await run.load(read.exported);
      await run.publish(file, read, parent.version);
    } finally {
      await run.removeUnnamed();
      await rm(directory, { recursive: true, force: true });
    }
  };

type Work = {
  job: JobOf<'fork-graph'>;
  signal: AbortSignal;
  schema: ResolvedSchema;
  tier: FleetTier;
  plan: ForkPlan;
  directory: string;
};

/** What was read of the parent; of each relationship that lacks an end, how many rows are left behind. */
type Read = { exported: readonly ExportedTable[]; missing: readonly number[] };

/** One run of a fork, step by step. */
class Fork {
  readonly #parts: Dependencies;
  readonly #work: Work;
  readonly #uploaded: string[] = [];
  /** What was uploaded stays when the graph's record names it, or when nobody knows: the answer was lost. */
  #mayBeNamed = false;

  constructor(parts: Dependencies, work: Work) {
    this.#parts = parts;
    this.#work = work;
  }

  async read(file: string): Promise<Read> {
    const { schema, signal, directory, plan } = this.#work;
    const { tables, withoutEnds } = plan;
    const counts = await countTables({ file, schema, tables });
    const exported = await this.#progress(READING, counts).during((onProgress) =>
      exportTables({ file, schema, tables, directory }, signal, onProgress),
    );
    const missing = await countTables({ file, schema, tables: withoutEnds });
    await this.#tell('exportTables', 30, `${exported.length} tables read`);
    return { exported, missing };
  }

  /** @returns the graph's file */
  async load(exported: readonly ExportedTable[]): Promise<string> {
    const { schema, signal, directory, tier } = this.#work;
    const [output, report] = [join(directory, 'graph'), join(directory, 'report')];
    const files = exported.flatMap(({ table, path }) => (path === null ? [] : [{ table, path }]));
    const request = { schema, files, limits: TABLE_LIMITS[tier], ignoreErrors: false, output, report };
    const counts = exported.map((table) => table.rows);
    const loaded = await this.#progress(LOADING, counts).during((onProgress) =>
      loadGraph(request, { temporaryDirectory: join(directory, 'duckdb'), signal }, onProgress),
    );
    const rows = totalOf(counts);
    if (loaded.rows !== rows) throw new Terminal('internal', `${loaded.rows} of ${rows} rows came through.`);
    signal.throwIfAborted();
    await this.#tell('loadTables', 55, 'Tables loaded');
    return output;
  }

  async publish(file: string, { exported, missing }: Read, parentVersion: number): Promise<void> {
    const { withoutEnds } = this.#work.plan;
    const tables: SourceTable[] = [];
    for (const table of exported) tables.push(...(await this.#keepPart(table)));
    const forked: Forked = {
      parentVersion,
      tables: [
        ...exported.map(({ table, kind, rows }) => ({ table, kind, rows, rejected: 0 })),
        ...withoutEnds.map(({ name, kind }, at) => ({ table: name, kind, rows: 0, rejected: missing[at] ?? 0 })),
      ],
    };
    const { source } = await this.#publishSnapshot(file, {
      operationId: this.#work.job.operationId,
      at: new Date().toISOString(),
      tables,
      forked,
    });
    await this.#tell(FORK_STEP, 80, 'Snapshot published', source?.forked ?? forked);
  }

  async removeUnnamed(): Promise<void> {
    if (!this.#mayBeNamed) for (const key of this.#uploaded) await this.#parts.objects.remove(key);
  }

  async #keepPart({ table, rows, path }: ExportedTable): Promise<SourceTable[]> {
    if (path === null) return [];
    const key = newPartKey(emptyTable(this.#work.job.graphId, table));
    await this.#upload(key, path);
    return [{ table, version: FIRST_VERSION, part: { key, rows, ...(await measureFile(path)) } }];
  }

  /** @returns the snapshot that is published then: this run's, or that of an earlier one */
  async #publishSnapshot(file: string, source: SnapshotSource): Promise<Snapshot> {
    const { operations, graphs, cache } = this.#parts;
    const { job, signal } = this.#work;
    const { operationId, graphId } = job;
    const made = { ...newSnapshot(graphId, FIRST_VERSION, await measureFile(file)), source };
    await this.#upload(made.key, file);
    signal.throwIfAborted();
    refuseHandedOver(await operations.last(operationId), job);
    this.#mayBeNamed = true;
    const published = await graphs.publish(graphId, writerOf(operationId), made);
    const current = published ?? (await graphs.get(graphId))?.snapshot;
    // Behind a later version its first can have been this one, and its parts are named still.
    this.#mayBeNamed = current?.key === made.key || (current?.version ?? 0) > FIRST_VERSION;
    if (published === undefined)
      throw new Terminal('conflict', "The graph is not this operation's to publish any more.");
    if (published.key === made.key) await cache.adopt(graphId, made, file);
    return published;
  }

  async #upload(key: string, file: string): Promise<void> {
    this.#uploaded.push(key);
    await this.#parts.objects.upload(key, file);
  }

  #progress(passage: Passage, rows: readonly number[]): ProgressEvents {
    return new ProgressEvents(this.#parts.operations, this.#work.job.operationId, passage, totalOf(rows));
  }

  /** Tells what the log does not have by an earlier run already. */
  async #tell(step: string, percent: number, message: string, forked?: Forked): Promise<void> {
    const told = forked && { detail: forked, made: forked };
    const completed = { type: 'step_completed', step, percent, message, ...told } as const;
    await this.#parts.operations.append(this.#work.job.operationId, completed);
  }
}

const totalOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
