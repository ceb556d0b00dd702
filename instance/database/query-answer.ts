import { setImmediate as nextTurn } from 'node:timers/promises';
import { Refusal } from '../../domain/failure.ts';
import { type PropertyType, parsePropertyType } from '../../domain/graph/property-type.ts';
import { encodeValue, holdsGraphValues } from './encode-value.ts';
import type { EngineConnection, EngineResult } from './engine.ts';
import { engineRefusal } from './engine-refusal.ts';
import { exactColumn } from './exact-projection.ts';
import { NotExact } from './exact-text.ts';
import type { Json } from './query-parameters.ts';
import { NO_TABLES, type TableProperties } from './table-properties.ts';

export type AnswerSource = {
  result: EngineResult;
  /** The result's own, closed with it. */
  connection: EngineConnection;
  limit: number;
  /** Asked for only when there are nodes or relationships to encode. */
  tables: () => Promise<TableProperties>;
};

type Column = { name: string; typeText: string; type: PropertyType | undefined; exact: string | undefined };

/** Rows are read on the JS thread; after this many, others have their turn. A row takes a few microseconds. */
const ROWS_PER_TURN = 200;

/** What a query found. The engine holds the rows; they become JSON one by one as they are read. */
export class QueryAnswer {
  readonly columns: string[];
  /** The engine's type of each column: how to read its values. */
  readonly types: string[];
  /** How many rows there are to read. */
  readonly rowCount: number;
  /** True when the query found more than its limit. */
  readonly truncated: boolean;
  /** Settles when the answer is read or closed. */
  readonly closed: Promise<void>;
  readonly #source: AnswerSource;
  readonly #columns: Column[];
  readonly #tables: TableProperties;
  #closing: Promise<void> | undefined;
  readonly #settleClosed: () => void;

  private constructor(source: AnswerSource, columns: Column[], tables: TableProperties) {
    this.#source = source;
    this.#columns = columns;
    this.#tables = tables;
    this.columns = columns.map(({ name }) => name);
    this.types = columns.map(({ typeText }) => typeText);
    this.rowCount = Math.min(source.result.rowCount, source.limit);
    this.truncated = source.result.rowCount > source.limit;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#settleClosed = resolve;
  }

  /** @throws {Refusal} `query_failed` when two columns have one name */
  static async over(source: AnswerSource): Promise<QueryAnswer> {
    try {
      const columns = columnsOf(source.result);
      const tables = columns.some(({ type }) => holdsGraphValues(type)) ? await source.tables() : NO_TABLES;
      return new QueryAnswer(source, columns, tables);
    } catch (error) {
      source.result.close();
      throw error;
    }
  }

  /**
   * The rows, each in the order of the columns; to be read once. Leaving the loop closes the answer.
   * @throws {Refusal} `query_failed` for a value that can not be returned without loss
   */
  async *rows(): AsyncGenerator<Json[], void> {
    try {
      for (let read = 0; read < this.rowCount; read += 1) {
        if (read > 0 && read % ROWS_PER_TURN === 0) await nextTurn();
        const row = this.#nextRow();
        if (row === null) return;
        yield this.#columns.map((column) => encodeColumn(column, row, this.#tables));
      }
    } finally {
      await this.close();
    }
  }

  #nextRow(): Readonly<Record<string, unknown>> | null {
    if (this.#closing !== undefined) return null;
    try {
      return this.#source.result.next();
    } catch (error) {
      // A type that the binding can not read, UINT128 for one.
      throw engineRefusal(error);
    }
  }

  /** Lets go of the rows that were not read. Repeating it is harmless. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#source.result.close();
    await this.#source.connection.close();
    this.#settleClosed();
  }
}

const columnsOf = ({ columns, types }: EngineResult): Column[] => {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  // The binding keeps one value for the two.
  if (twice !== undefined)
    throw new Refusal('query_failed', `Two columns are named ${twice}. Give one of them another name with AS.`);
  const hasExact = columns.includes(exactColumn(0));
  return columns.slice(0, hasExact ? columns.length / 2 : columns.length).map((name, index) => ({
    name,
    typeText: types[index] ?? '',
    type: parsePropertyType(types[index] ?? ''),
    exact: hasExact ? exactColumn(index) : undefined,
  }));
};

const encodeColumn = (column: Column, row: Readonly<Record<string, unknown>>, tables: TableProperties): Json => {
  const text = column.exact === undefined ? undefined : row[column.exact];
  try {
    if (!Object.hasOwn(row, column.name)) throw new NotExact();
    return encodeValue(column.type, row[column.name], typeof text === 'string' ? text : undefined, tables);
  } catch (error) {
    if (!(error instanceof NotExact)) throw error;
    throw new Refusal(
      'query_failed',
      `A value of the column ${column.name} (${column.typeText}) can not be returned without loss. Return its parts, ` +
        "or its text: CAST(…, 'STRING').",
    );
  }
};
