import { Refusal, Retryable } from '../../domain/failure.ts';
import { type CypherText, readCypher } from '../../domain/query/cypher-tokens.ts';
import { explainLength, guardReadOnly } from '../../domain/query/read-only-guard.ts';
import { Engine, type EngineConnection, type EngineParameters, type Statement } from './engine.ts';
import { engineRefusal, timeoutRefusal } from './engine-refusal.ts';
import {
  columnsOnly,
  hasStar,
  type Projection,
  readProjection,
  withExactColumns,
  withStarWrittenOut,
} from './exact-projection.ts';
import { QueryAnswer } from './query-answer.ts';
import { bindParameters, type QueryParameters } from './query-parameters.ts';
import { QuerySlots } from './query-slots.ts';
import { refuseTooLarge } from './statement-size.ts';
import { readTableProperties, type TableProperties } from './table-properties.ts';

export type Query = {
  cypher: string;
  parameters?: QueryParameters;
  /** The most rows to return: 1 to 100,000, where the database was not opened for more. */
  limit: number;
  /** From the call to the first row, waiting for a turn included. */
  timeoutMs: number;
};

const MAX_ROWS = 100_000;

/**
 * A running query holds a thread of Node's pool, which is also where files are read and names resolved. Its image has eight
 * of them (UV_THREADPOOL_SIZE): with these, and one that derives a table, half are left.
 */
const QUERIES_AT_ONCE = 3;
const TENANTS_SLOTS = new QuerySlots(QUERIES_AT_ONCE);

/** The engine looks at its clock between batches of rows only; after this much longer the caller is told anyway. */
const TIMEOUT_GRACE_MS = 250;

/**
 * Opens a graph's file for queries. The file can not be changed through it.
 * @param mostRows that a query may return
 * @param slots in which its queries run, by default those of what tenants ask
 */
export const openReadOnly = async (
  file: string,
  { mostRows = MAX_ROWS, bufferPoolBytes, slots = TENANTS_SLOTS }: OpenReadOnly = {},
): Promise<ReadOnlyDatabase> => {
  const engine = await Engine.open(file, { readOnly: true, ...(bufferPoolBytes && { bufferPoolBytes }) });
  return new ReadOnlyDatabase(engine, { mostRows, slots });
};

type OpenReadOnly = { mostRows?: number; bufferPoolBytes?: number; slots?: QuerySlots };

/** A graph that is open for queries. Several can run at once. */
export class ReadOnlyDatabase {
  readonly #engine: Engine;
  readonly #mostRows: number;
  readonly #slots: QuerySlots;
  readonly #running = new Set<Promise<unknown>>();
  #tables: Promise<TableProperties> | undefined;
  #closed: Promise<void> | undefined;

  constructor(engine: Engine, { mostRows, slots }: { mostRows: number; slots: QuerySlots }) {
    this.#engine = engine;
    this.#mostRows = mostRows;
    this.#slots = slots;
  }

  /**
   * Runs a query and answers when its rows are ready to be read. Read the rows to their end or close the answer.
   * @throws {Refusal} `read_only`, `query_failed`, `query_timeout`, `invalid_request` for a limit out of range
   * @throws {Retryable} `unavailable` after `close()`
   */
  async query({ cypher, parameters = {}, limit, timeoutMs }: Query): Promise<QueryAnswer> {
    if (this.#closed) throw new Retryable('unavailable', 'The graph is being replaced by a newer snapshot.');
    if (!Number.isInteger(limit) || limit < 1 || limit > this.#mostRows)
      throw new Refusal('invalid_request', `Give a limit from 1 to ${this.#mostRows}.`);
    const plan = planOf(cypher, parameters);
    const deadline = performance.now() + timeoutMs;
    const answering = this.#inTurn(plan, limit, deadline);
    this.#keep(answering.then((answer) => answer.closed));
    return await withinTime(answering, timeoutMs + TIMEOUT_GRACE_MS);
  }

  /** Waits for the running queries and the answers that are still being read, then closes the file. */
  async close(): Promise<void> {
    this.#closed ??= this.#closeWhenIdle();
    await this.#closed;
  }

  async #closeWhenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    await this.#engine.close();
  }

  #keep(work: Promise<unknown>): void {
    const kept = work.catch(() => {}).finally(() => this.#running.delete(kept));
    this.#running.add(kept);
  }

  async #inTurn(plan: Plan, limit: number, deadline: number): Promise<QueryAnswer> {
    const slot = await this.#slots.take(deadline - performance.now());
    if (slot === undefined) throw timeoutRefusal();
    try {
      return await this.#answer(plan, limit, Math.max(1, deadline - performance.now()));
    } finally {
      slot.release();
    }
  }

  async #answer(plan: Plan, limit: number, timeoutMs: number): Promise<QueryAnswer> {
    const connection = await this.#engine.connect({ timeoutMs: Math.ceil(timeoutMs) });
    try {
      const statement = await prepareExact(connection, plan, limit + 1);
      const result = await connection.execute(statement, plan.parameters);
      return await QueryAnswer.over({ result, connection, limit, tables: () => this.#readTables() });
    } catch (error) {
      await connection.close();
      throw engineRefusal(error);
    }
  }

  /** Read once, and only if a query returns a node or a relationship. */
  async #readTables(): Promise<TableProperties> {
    this.#tables ??= this.#catalog();
    return await this.#tables;
  }

  async #catalog(): Promise<TableProperties> {
    const connection = await this.#engine.connect();
    try {
      return await readTableProperties(connection);
    } finally {
      await connection.close();
    }
  }
}

/** A query that may run, with its parameters fitted to the engine. */
type Plan = { query: CypherText; statement: string; projection: Projection | undefined; parameters: EngineParameters };

const planOf = (cypher: string, values: QueryParameters): Plan => {
  const written = readCypher(cypher);
  refuseTooLarge(written.tokens);
  guardReadOnly(written.tokens);
  const { source, parameters } = bindParameters(written, values);
  const query = readCypher(source);
  // Lists are written out in it.
  refuseTooLarge(query.tokens);
  const tokens = guardReadOnly(query.tokens);
  const explained = explainLength(tokens) > 0;
  return { query, statement: source, projection: explained ? undefined : readProjection(query, tokens), parameters };
};

/** Prepares the query with exact columns or, when it is of a form that we can not extend, as it is. */
const prepareExact = async (connection: EngineConnection, plan: Plan, limit: number): Promise<Statement> => {
  const projection = await withoutStar(connection, plan);
  if (projection !== undefined) {
    const statement = await tryPrepare(connection, withExactColumns(projection, limit));
    if (statement !== undefined) return readOnly(statement);
  }
  return readOnly(await connection.prepare(plan.statement));
};

const withoutStar = async (
  connection: EngineConnection,
  { projection, parameters }: Plan,
): Promise<Projection | undefined> => {
  if (projection === undefined || !hasStar(projection)) return projection;
  const text = columnsOnly(projection);
  const statement = text === undefined ? undefined : await tryPrepare(connection, text);
  if (statement === undefined) return undefined;
  const result = await connection.execute(readOnly(statement), parameters);
  result.close();
  return withStarWrittenOut(projection, result.columns);
};

const tryPrepare = async (connection: EngineConnection, text: string): Promise<Statement | undefined> => {
  try {
    return await connection.prepare(text);
  } catch {
    // The text as the caller wrote it is prepared next, and what is wrong with that one is what they are told.
    return undefined;
  }
};

const readOnly = (statement: Statement): Statement => {
  if (!statement.isReadOnly()) throw new Refusal('read_only', 'A query can only read.');
  return statement;
};

/** An answer that comes too late is closed; its query ends by itself, and keeps its slot until then. */
const withinTime = async (answering: Promise<QueryAnswer>, timeoutMs: number): Promise<QueryAnswer> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    answering.then((answer) => answer.close()).catch(() => {});
    reject(timeoutRefusal());
  }, timeoutMs);
  try {
    return await Promise.race([answering, late]);
  } finally {
    clearTimeout(timer);
  }
};
