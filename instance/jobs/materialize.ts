import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../domain/failure.ts';
import type { JobOf } from '../../domain/fleet/instance-job.ts';
import { type Graph, type GraphStore, operationIdOfWriter } from '../../domain/graph/graph.ts';
import {
  chosenOf,
  type LoadedSnapshot,
  type MaterializationRequest,
  type TableVersion,
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
import type { GraphTable, TablePart, TableStore } from '../../domain/table/table.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { type LoadedGraph, type LoadGraph, loadGraph } from '../loading/load-graph.ts';
import type { StagedFile } from '../loading/load-plan.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { fetchChecked, type Workspace } from '../workspace.ts';
import { askedOf, commitUpload } from './commit-upload.ts';
import { type DerivedFile, deriveTables, rejectedLines } from './derive-tables.ts';
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
  (parts: Dependencies): JobWork<'materialize'> =>
  async (job, signal) => {
    const { operations, graphs, tables, workspace } = parts;
    const { operationId, graphId } = job;
    const request = await askedOf<MaterializationRequest>(operations, operationId);
    if (request === undefined) return;
    // The graph is claimed, so all that it is to be made of stays where it is while this runs.
    const [graph, staged] = await Promise.all([graphs.get(graphId), tables.list(graphId)]);
    if (!graph?.writer || operationIdOfWriter(graph.writer) !== operationId)
      throw new Refusal('conflict', `The graph "${graphId}" is not this operation's any more.`);
    const directory = workspace.scratchFile();
    const run = new Materialization(parts, { job, signal, request, graph, staged, directory });
    try {
      await mkdir(directory);
      const chosen = await run.choose();
      await run.commit(chosen, await run.load(chosen));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  };

type Work = {
  job: JobOf<'materialize'>;
  signal: AbortSignal;
  request: MaterializationRequest;
  graph: Graph;
  staged: readonly GraphTable[];
  directory: string;
};

/** What the graph is to be made of. */
type Chosen = {
  at: string;
  derived: readonly DerivedFile[];
  /** The tables that are loaded as they are kept now. */
  asKept: readonly GraphTable[];
  toLoad: readonly TableVersion[];
};

/** One run of a load, step by step. */
class Materialization {
  readonly #parts: Dependencies;
  readonly #work: Work;

  constructor(parts: Dependencies, work: Work) {
    this.#parts = parts;
    this.#work = work;
  }

  /** Derives what is asked to be derived, and sees which tables are to be loaded. */
  async choose(): Promise<Chosen> {
    const { job, signal, request, graph, staged } = this.#work;
    const { operationId, graphId } = job;
    const at = new Date().toISOString();
    const directory = this.#path('derived');
    await mkdir(directory);
    const asked = { operationId, graph, staged, request, limits: TABLE_LIMITS[graph.tier] };
    const derived = await deriveTables(this.#parts, asked, { directory, signal });
    const kept = withDerived(graphId, staged, derived);
    const named = tablesWith(request, derived);
    return { at, derived, asKept: chosenOf(kept, named), toLoad: tablesToLoad(graph, kept, named) };
  }

  async load({ derived, toLoad }: Chosen): Promise<LoadedGraph> {
    const { job, signal, request, graph } = this.#work;
    const { schema, entity, tier } = graph;
    const rowsToLoad = toLoad.reduce((sum, { part }) => sum + part.rows, 0);
    const progress = new ProgressEvents(this.#parts.operations, job.operationId, LOADING, rowsToLoad);
    const files: StagedFile[] = [];
    for (const { table, part } of toLoad) {
      const made = derived.find((own) => own.table === table);
      files.push({ table, path: made?.path ?? (await this.#fetch(table, part)) });
    }
    const isStaged = toLoad.some(({ table }) => table === entity?.table);
    const load: LoadGraph = {
      schema,
      files,
      entity: isStaged ? null : entity,
      limits: TABLE_LIMITS[tier],
      ignoreErrors: request.ignoreErrors,
      output: this.#path('graph'),
      report: this.#path('report'),
    };
    const work = { temporaryDirectory: this.#path('duckdb'), signal };
    const loaded = await progress.during((onProgress) => loadGraph(load, work, onProgress));
    signal.throwIfAborted();
    const tables = loaded.tables.map((table) => {
      const left = derived.find((own) => own.table === table.table)?.rejected.count ?? 0;
      return { ...table, rejected: table.rejected + left };
    });
    return { ...loaded, tables, rejected: tables.reduce((sum, { rejected }) => sum + rejected, 0) };
  }

  async commit({ at, derived, asKept }: Chosen, loaded: LoadedGraph): Promise<void> {
    const { job, signal, graph } = this.#work;
    const { operationId, graphId } = job;
    const { checksum, bytes, tables, rows, rejected } = loaded;
    const [output, report] = [this.#path('graph'), this.#path('report')];
    const made: LoadedSnapshot = {
      snapshot: {
        ...newSnapshot(graphId, (graph.snapshot?.version ?? 0) + 1, { checksum, bytes }),
        source: sourceOf(graph.snapshot?.source, asKept, { operationId, at }),
      },
      tables: [...tables],
      derived: derived.map(({ table, version, part, source }) => ({ table, version, part, source })),
      rows,
      rejected,
      report: rejected > 0 ? newLoadReportKey(graphId, operationId) : null,
    };
    const { snapshot } = made;
    await appendFile(report, rejectedLines(derived));
    await commitUpload(this.#parts, job, {
      files: [
        ...derived.map(({ part, path }) => ({ key: part.key, file: path })),
        { key: snapshot.key, file: output },
        ...(made.report === null ? [] : [{ key: made.report, file: report }]),
      ],
      signal,
      done: {
        step: 'loadGraph',
        message: `${rows} rows loaded`,
        detail: { tables, rows, rejected, snapshotVersion: snapshot.version },
        made,
      },
      // Nobody asks for it before it is published; then it need not be fetched.
      onCommitted: () => this.#parts.cache.adopt(graphId, snapshot, output),
    });
  }

  async #fetch(table: string, part: TablePart): Promise<string> {
    // The engine knows the format by the name.
    const path = this.#path(`${table}.parquet`);
    await fetchChecked(this.#parts.objects, part, path, `What is staged of ${table}`);
    this.#work.signal.throwIfAborted();
    return path;
  }

  /** Of a file that only this run uses; gone when it is over. */
  #path(name: string): string {
    return join(this.#work.directory, name);
  }
}
