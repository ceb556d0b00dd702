import { rm } from 'node:fs/promises';
import { Retryable, Terminal } from '../../domain/failure.ts';
import type { EntityInput } from '../../domain/graph/entity.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { SnapshotFile } from '../../domain/snapshot/snapshot.ts';
import { applySchema, createEntity, removeDatabase } from '../database/build-database.ts';
import { Engine, type EngineConnection } from '../database/engine.ts';
import { DuckDBSession, sqlText } from '../staging/duckdb-session.ts';
import { measureFile } from '../workspace.ts';
import { copyStatement } from './copy-statement.ts';
import {
  CHUNK_ROWS,
  type ChunkRows,
  type LoadLimits,
  type LoadPlan,
  type LoadStep,
  planOf,
  planSteps,
  type StagedFile,
} from './load-plan.ts';
import { loadableRows, UnloadableRows } from './unloadable-rows.ts';

/** How far it is within a table, of a load or an export. `rowsDone` never falls; the engine tells it several times within a chunk too. */
export type LoadProgress = { table: string; rowsDone: number; rowsTotal: number };

export type LoadGraph = {
  schema: ResolvedSchema;
  /** At most one for each table; a table without one is empty. */
  files: readonly StagedFile[];
  /** The row that the graph begins with, when its table has no file. */
  entity?: EntityInput | null;
  limits: LoadLimits;
  /** Leaves out the rows that the graph can not have, instead of failing. */
  ignoreErrors: boolean;
  /** Where the database goes: a scratch file. Nothing is there when this fails. */
  output: string;
  /** Where the rows that were left out are written, as NDJSON of `UnloadableRow`s. No file is there when there were none. */
  report: string;
  /** @default CHUNK_ROWS */
  chunkRows?: ChunkRows;
  /** What the engine may use for pages; where that is too little, the next. @default LOAD_BUFFER_POOLS_BYTES */
  bufferPoolsBytes?: readonly number[];
};

export type LoadedTable = { table: string; kind: 'node' | 'relationship'; rows: number; rejected: number };
export type LoadedGraph = SnapshotFile & { tables: readonly LoadedTable[]; rows: number; rejected: number };

type Work = { temporaryDirectory: string; signal?: AbortSignal };

/**
 * The engine writes what does not fit beside the file and reads it back: with 128 MiB ten million relationships took as long
 * as with 512. It can not do that with keys and texts, which are what a second attempt has more room for. What the engine holds
 * besides is about as much again, however large the graph is.
 */
export const LOAD_BUFFER_POOLS_BYTES = [128 * 2 ** 20, 512 * 2 ** 20] as const;
/** Which part of a buffer pool may be held by what can not be written aside. */
const MOST_HELD = 0.75;
/** DuckDB only cuts chunks, and looks for wrong rows with the help of its temporary directory. */
export const DUCKDB_MEBIBYTES = 192;
const LOAD_THREADS = 2;
/** If not even so many rows fit into the buffer pool, fewer would not either. */
const MIN_CHUNK_ROWS = 10_000;

/**
 * What a load would do, without doing it.
 * @throws {Refusal} as {@link loadGraph} would
 */
export const planLoad = async (
  { schema, files, limits, chunkRows }: Pick<LoadGraph, 'schema' | 'files' | 'limits' | 'chunkRows'>,
  work: Work,
): Promise<LoadPlan> => {
  await using duckdb = await DuckDBSession.open(work);
  return planOf(await planSteps(duckdb, schema, files, chunkRows), limits);
};

/**
 * Makes a database file of staged tables: the schema, all nodes, then all relationships, and a checkpoint. The file is
 * closed and whole when this resolves.
 * @throws {Refusal} `too_large`, before anything is done
 * @throws {Terminal} `invalid_request` with table, row and reason, when the graph can not have a row and `ignoreErrors` is false
 * @throws the signal's reason; between chunks, because the engine can not be interrupted
 */
export const loadGraph = async (
  request: LoadGraph,
  work: Work,
  onProgress: (progress: LoadProgress) => void = () => {},
): Promise<LoadedGraph> => {
  const { schema, files, limits, output, report, chunkRows } = request;
  await using duckdb = await DuckDBSession.open({ ...work, memoryMebibytes: DUCKDB_MEBIBYTES });
  const steps = await planSteps(duckdb, schema, files, chunkRows);
  planOf(steps, limits);
  const unloadable = await UnloadableRows.open(duckdb, schema, steps, request.entity ?? null);
  const attempts = new LoadAttempts({ request, steps, duckdb, unloadable, onProgress, ...work });
  try {
    const tables = await attempts.run();
    work.signal?.throwIfAborted();
    const rejected = await attempts.reportRejects();
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    return { ...(await measureFile(output)), tables, rows, rejected };
  } catch (error) {
    await Promise.all([removeDatabase(output), rm(report, { force: true })]);
    throw error;
  } finally {
    await rm(chunkFileOf(request), { force: true });
  }
};

const withEngine = async <Result>(
  file: string,
  bufferPoolBytes: number,
  work: (connection: EngineConnection) => Promise<Result>,
): Promise<Result> => {
  const engine = await Engine.open(file, { readOnly: false, bufferPoolBytes });
  try {
    const connection = await engine.connect({ threads: LOAD_THREADS });
    try {
      return await work(connection);
    } catch (error) {
      // What a failed COPY leaves behind can not always be checkpointed, and closing would.
      await connection.run('CALL force_checkpoint_on_close = false');
      throw error;
    } finally {
      await connection.close();
    }
  } finally {
    await engine.close();
  }
};

const chunkFileOf = ({ output }: LoadGraph): string => `${output}.chunk.parquet`;

type LoadWork = Work & {
  request: LoadGraph;
  steps: readonly LoadStep[];
  duckdb: DuckDBSession;
  unloadable: UnloadableRows;
  onProgress: (progress: LoadProgress) => void;
};

/** A COPY did not go as it was tried, and what was learned from it may help. */
class TryAgain extends Error {}

/**
 * Loads take all rows to be right and all chunks to fit. When the engine says otherwise the file is begun anew, without the wrong
 * rows, with more memory or in smaller chunks: a COPY that failed is rolled back, but in a file where one did, a later
 * checkpoint can end the process.
 */
class LoadAttempts {
  readonly #work: LoadWork;
  readonly #chunkRows: ChunkRows;
  readonly #bufferPoolsBytes: number[];
  readonly #rejected = new Map<string, number>();
  readonly #reported = new Map<string, number>();
  #areRowsKnown = false;

  constructor(work: LoadWork) {
    this.#work = work;
    this.#chunkRows = { ...(work.request.chunkRows ?? CHUNK_ROWS) };
    const heldBytes = Math.max(0, ...work.steps.map((step) => step.heldBytes));
    const pools = work.request.bufferPoolsBytes ?? LOAD_BUFFER_POOLS_BYTES;
    const enough = pools.filter((bytes) => heldBytes < bytes * MOST_HELD);
    // What is held is an estimate: where none is enough by it, the largest has to show that.
    this.#bufferPoolsBytes = enough.length > 0 ? enough : pools.slice(-1);
  }

  async run(): Promise<LoadedTable[]> {
    for (;;) {
      try {
        return await this.#attempt();
      } catch (error) {
        // A checkpoint needs room too.
        if (isPoolFull(error) && !this.#takesMoreMemory()) throw doesNotFit('The graph does', error);
        if (!isPoolFull(error) && !(error instanceof TryAgain)) throw error;
        await removeDatabase(this.#work.request.output);
      }
    }
  }

  reportRejects(): Promise<number> {
    return this.#work.unloadable.report(this.#work.request.report);
  }

  async #attempt(): Promise<LoadedTable[]> {
    const { request, steps } = this.#work;
    const { schema, entity, output } = request;
    return withEngine(output, this.#bufferPoolsBytes[0] ?? 0, async (connection) => {
      await applySchema(connection, schema);
      // Before the relationships, which may lead to it.
      if (entity) await createEntity(connection, entity, schema);
      // A checkpoint that a COPY begins can fail for want of memory: then there is nothing else in it.
      await connection.run('CHECKPOINT');
      const tables: LoadedTable[] = [];
      for (const step of steps) tables.push(await this.#loadTable(step, connection));
      await connection.run('CHECKPOINT');
      return tables;
    });
  }

  async #loadTable(step: LoadStep, connection: EngineConnection): Promise<LoadedTable> {
    const rejected = this.#rejected.get(step.table) ?? 0;
    const chunkRows = this.#chunkRows[step.kind];
    for (let from = 0; from < step.rows; from += chunkRows) {
      this.#work.signal?.throwIfAborted();
      await this.#copy(step, connection, from, Math.min(step.rows, from + chunkRows));
    }
    return { table: step.table, kind: step.kind, rows: step.rows - rejected, rejected };
  }

  async #copy(step: LoadStep, connection: EngineConnection, from: number, to: number): Promise<void> {
    const isWhole = to - from === step.rows && !this.#rejected.has(step.table);
    const { file, rows } = isWhole ? { file: step.path, rows: step.rows } : await this.#cutChunk(step, from, to);
    if (rows === 0) return;
    // A chunk is done when the COPY has answered; the engine says so before it has written all.
    const report = (done: number) => this.#report(step, Math.min(to - 1, from + (to - from) * done));
    const copied = await connection.copy(copyStatement(step, file), report).catch(async (error: unknown) => {
      this.#work.signal?.throwIfAborted();
      if (isPoolFull(error)) this.#makeRoom(step, to - from, error);
      else await this.#findWrongRows(step, error);
      throw new TryAgain();
    });
    if (copied !== rows) throw new Terminal('internal', `The engine took ${copied} of ${rows} rows of ${step.table}.`);
    this.#report(step, to);
  }

  async #cutChunk(step: LoadStep, from: number, to: number): Promise<{ file: string; rows: number }> {
    const { duckdb, request } = this.#work;
    const file = chunkFileOf(request);
    await duckdb.run(`COPY (${loadableRows(step, from, to)}) TO ${sqlText(file)} (FORMAT parquet)`);
    return { file, rows: await duckdb.number(`SELECT sum(num_rows) FROM parquet_file_metadata(${sqlText(file)})`) };
  }

  #makeRoom({ table, kind }: LoadStep, rows: number, cause: unknown): void {
    if (this.#takesMoreMemory()) return;
    if (rows <= MIN_CHUNK_ROWS) throw doesNotFit(`The rows of ${table} do`, cause);
    this.#chunkRows[kind] = Math.ceil(rows / 2);
  }

  #takesMoreMemory(): boolean {
    if (this.#bufferPoolsBytes.length < 2) return false;
    this.#bufferPoolsBytes.shift();
    return true;
  }

  /** Finds the rows that the engine refuses, in all tables at once. If it refuses the rest as well, it is not because of rows. */
  async #findWrongRows(failed: LoadStep, cause: unknown): Promise<void> {
    const { steps, unloadable, request } = this.#work;
    const isUnexplained = this.#areRowsKnown || (await unloadable.find(failed)) === 0;
    if (isUnexplained)
      throw new Terminal('internal', `${failed.table} could not be loaded: ${messageOf(cause)}`, { cause });
    const first = await unloadable.first(failed.table);
    if (!request.ignoreErrors)
      throw new Terminal('invalid_request', `${failed.table}, row ${first?.row}: ${first?.reason}.`, { cause });
    for (const step of steps) {
      const count = step === failed ? await unloadable.count(step.table) : await unloadable.find(step);
      if (count > 0) this.#rejected.set(step.table, count);
    }
    this.#areRowsKnown = true;
  }

  #report({ table, rows: rowsTotal }: LoadStep, rows: number): void {
    const rowsDone = Math.max(this.#reported.get(table) ?? 0, Math.floor(rows));
    this.#reported.set(table, rowsDone);
    this.#work.onProgress({ table, rowsDone, rowsTotal });
  }
}

const doesNotFit = (what: string, cause: unknown): Retryable =>
  new Retryable('unavailable', `${what} not fit into the memory of the load.`, { cause });

const isPoolFull = (error: unknown): boolean => messageOf(error).startsWith('Buffer manager exception');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
