import { Connection, Database, type LbugValue, type PreparedStatement, QueryResult } from '@ladybugdb/core';

/** A prepared statement that the engine accepted. */
export type Statement = PreparedStatement;
/** What the binding takes as a parameter. */
export type EngineValue = LbugValue;
export type EngineParameters = Record<string, EngineValue>;

/**
 * What a handle may use to cache pages and to hold the intermediate results of its queries. 128 MB is enough for
 * a million nodes and two million relationships; beyond it the engine refuses the query and stays up.
 */
export const READ_BUFFER_POOL_BYTES = 128 * 2 ** 20;
/** A new graph is a few pages. */
const BUILD_BUFFER_POOL_BYTES = 16 * 2 ** 20;
/**
 * Address space that a database reserves, not memory. The engine's default is 8 TB, of which a process has room for
 * a few; 64 GB is far beyond a graph of the largest tier and leaves room for hundreds. A power of two is required.
 */
const MAX_DATABASE_BYTES = 64 * 2 ** 30;

export type OpenOptions = {
  readOnly: boolean;
  /** @default what queries need, or a new graph */
  bufferPoolBytes?: number;
};

/** How far a statement is, from 0 to 1. */
export type EngineProgress = (done: number) => void;

/** A database file and its first connection. Opening and querying run off the JS thread; closing is short, and on it. */
export class Engine {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(file: string, { readOnly, bufferPoolBytes }: OpenOptions): Promise<Engine> {
    const usualBytes = readOnly ? READ_BUFFER_POOL_BYTES : BUILD_BUFFER_POOL_BYTES;
    const database = new Database(file, bufferPoolBytes ?? usualBytes, true, readOnly, MAX_DATABASE_BYTES);
    await database.init();
    return new Engine(database);
  }

  /** A connection runs one query at a time; several connections run side by side. They cost a fraction of a millisecond. */
  async connect({ timeoutMs, threads = 1 }: { timeoutMs?: number; threads?: number } = {}): Promise<EngineConnection> {
    const connection = new Connection(this.#database, threads);
    if (timeoutMs !== undefined) connection.setQueryTimeout(timeoutMs);
    await connection.init();
    return new EngineConnection(connection);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

/** The binding's connection without its `any` and its answers of two shapes. */
export class EngineConnection {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws {Error} with the engine's message when the statement is not valid */
  async prepare(text: string): Promise<Statement> {
    const statement = await this.#connection.prepare(text);
    if (!statement.isSuccess()) throw new Error(statement.getErrorMessage());
    return statement;
  }

  async execute(statement: Statement, parameters: EngineParameters): Promise<EngineResult> {
    return new EngineResult(only(await this.#connection.execute(statement, parameters)));
  }

  /** Runs a text of ours, of one statement or several, for its effect. */
  async run(text: string): Promise<void> {
    for (const result of [await this.#connection.query(text)].flat()) result.close();
  }

  /**
   * Runs a COPY of ours.
   * @returns how many rows the engine says that it has copied
   */
  async copy(text: string, onProgress: EngineProgress): Promise<number> {
    const result = new EngineResult(
      only(
        await this.#connection.query(text, (part, pipelines, all) => onProgress((pipelines + part) / Math.max(1, all))),
      ),
    );
    try {
      return Number(/^\d+/.exec(String(result.next()?.['result']))?.[0]);
    } finally {
      result.close();
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

/** A result that the engine holds; rows cross into JS one by one. */
export class EngineResult {
  readonly columns: string[];
  /** The engine's type of each column, as text. */
  readonly types: string[];
  readonly rowCount: number;
  readonly #result: QueryResult;

  constructor(result: QueryResult) {
    this.#result = result;
    this.columns = result.getColumnNamesSync();
    this.types = result.getColumnDataTypesSync();
    this.rowCount = result.getNumTuples();
  }

  /** The next row by column name: of columns with one name, the binding keeps the last. Null after the last row. */
  next(): Readonly<Record<string, unknown>> | null {
    return this.#result.hasNext() ? this.#result.getNextSync() : null;
  }

  close(): void {
    this.#result.close();
  }
}

const only = (answer: QueryResult | QueryResult[]): QueryResult => {
  if (answer instanceof QueryResult) return answer;
  for (const result of answer) result.close();
  throw new Error('One statement gave several results.');
};
