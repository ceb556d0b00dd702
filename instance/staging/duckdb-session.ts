import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

export type DuckDBOptions = {
  /** Where sorts and hash tables go that do not fit into memory. */
  temporaryDirectory: string;
  memoryMebibytes?: number;
  signal?: AbortSignal;
};

/** Beyond it DuckDB uses its temporary directory; a staging of any size stays near it. */
const MEMORY_MEBIBYTES = 512;
/** A row group is buffered by every thread. */
const THREADS = 2;

/** An in-memory DuckDB that reads files and nothing else: no network, no extensions that are not built in. */
export class DuckDBSession implements AsyncDisposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, signal: AbortSignal | undefined) {
    this.#instance = instance;
    this.#connection = connection;
    this.#signal = signal;
  }

  static async open(options: DuckDBOptions): Promise<DuckDBSession> {
    const { temporaryDirectory, memoryMebibytes = MEMORY_MEBIBYTES, signal } = options;
    signal?.throwIfAborted();
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(THREADS),
      memory_limit: `${memoryMebibytes}MiB`,
      temp_directory: temporaryDirectory,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    // It would take an expression that is in a TRY twice out of it, and the TRY would not catch it any more.
    await connection.run("SET disabled_optimizers = 'common_subexpressions'");
    return new DuckDBSession(instance, connection, signal);
  }

  /** Runs a statement of ours. @throws the signal's reason when it is interrupted, else DuckDB's error */
  async run(text: string): Promise<void> {
    await this.#interruptible(() => this.#connection.run(text));
  }

  /** The rows of a query, with numbers beyond 32 bits as text. */
  async rows(text: string): Promise<Record<string, unknown>[]> {
    return this.#interruptible(async () => (await this.#connection.runAndReadAll(text)).getRowObjectsJson());
  }

  /** The single number that a query answers. */
  async number(text: string): Promise<number> {
    const [row] = await this.rows(text);
    return Number(Object.values(row ?? {})[0]);
  }

  /** A query on a closed connection ends the process, so the last one is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #interruptible<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#signal?.throwIfAborted();
    const interrupt = () => this.#connection.interrupt();
    this.#signal?.addEventListener('abort', interrupt);
    try {
      const running = work();
      this.#running = Promise.allSettled([this.#running, running]);
      const result = await running;
      // An interrupt can come too late for the query and still be meant for it.
      this.#signal?.throwIfAborted();
      return result;
    } catch (error) {
      // DuckDB says only that it was interrupted; the signal says why.
      this.#signal?.throwIfAborted();
      throw error;
    } finally {
      this.#signal?.removeEventListener('abort', interrupt);
    }
  }
}

/** A text as a literal of SQL. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name as an identifier of SQL. */
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
