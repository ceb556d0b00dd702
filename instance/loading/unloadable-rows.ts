import type { EntityInput } from '../../domain/graph/entity.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { type DuckDBSession, sqlName, sqlText } from '../staging/duckdb-session.ts';
import { stagedType } from '../staging/staged-type.ts';
import { primaryKeyOf, tableColumns } from '../staging/table-columns.ts';
import type { LoadStep } from './load-plan.ts';

/** A row of a staged file, counted from 1, that the graph can not have. */
export type UnloadableRow = { table: string; row: number; reason: string };

/**
 * The rows that a load leaves out, as a table of DuckDB. The engine itself could leave them out (`IGNORE_ERRORS`), but
 * does not say which rows they were, keeps 8,192 of its warnings, and takes any of two rows of one key.
 */
export class UnloadableRows {
  readonly #duckdb: DuckDBSession;
  readonly #schema: ResolvedSchema;
  readonly #steps: readonly LoadStep[];
  readonly #entity: EntityInput | null;

  private constructor(
    duckdb: DuckDBSession,
    schema: ResolvedSchema,
    steps: readonly LoadStep[],
    entity: EntityInput | null,
  ) {
    this.#duckdb = duckdb;
    this.#schema = schema;
    this.#steps = steps;
    this.#entity = entity;
  }

  static async open(
    duckdb: DuckDBSession,
    schema: ResolvedSchema,
    steps: readonly LoadStep[],
    entity: EntityInput | null,
  ): Promise<UnloadableRows> {
    await duckdb.run('CREATE TEMP TABLE unloadable ("table" VARCHAR, "row" BIGINT, reason VARCHAR)');
    return new UnloadableRows(duckdb, schema, steps, entity);
  }

  /** Looks for them in a table. @returns how many there are */
  async find(step: LoadStep): Promise<number> {
    const query = step.kind === 'node' ? repeatedKeys(step) : this.#missingEnds(step);
    await this.#duckdb.run(`INSERT INTO unloadable ${query}`);
    return this.count(step.table);
  }

  count(table: string): Promise<number> {
    return this.#duckdb.number(`SELECT count(*) FROM unloadable WHERE "table" = ${sqlText(table)}`);
  }

  async first(table: string): Promise<UnloadableRow | undefined> {
    const query = `FROM unloadable WHERE "table" = ${sqlText(table)} ORDER BY "row" LIMIT 1`;
    const [found] = await this.#duckdb.rows(query);
    return found && { table, row: Number(found['row']), reason: String(found['reason']) };
  }

  /** Writes them all, a JSON object a line, and tells how many they are. No file is written when there are none. */
  async report(file: string): Promise<number> {
    const count = await this.#duckdb.number('SELECT count(*) FROM unloadable');
    if (count > 0) await this.#duckdb.run(`COPY (FROM unloadable) TO ${sqlText(file)} (FORMAT json)`);
    return count;
  }

  #missingEnds({ table, path }: LoadStep): string {
    const relationship = this.#schema.relationships.find(({ name }) => name === table);
    if (relationship === undefined) throw new TypeError(`${table} is not a relationship.`);
    const isMissing = (end: 'from' | 'to'): string => `${sqlName(end)} NOT IN (${this.#keysOf(relationship[end])})`;
    const reason = (end: 'from' | 'to'): string =>
      `concat('${end} ', ${sqlName(end)}, ${sqlText(` is not the key of any ${relationship[end]}`)})`;
    return `SELECT ${sqlText(table)}, file_row_number + 1, CASE WHEN is_from_missing THEN ${reason('from')} ELSE ${reason('to')} END
      FROM (SELECT *, ${isMissing('from')} AS is_from_missing, ${isMissing('to')} AS is_to_missing FROM ${numbered(path)})
      WHERE is_from_missing OR is_to_missing`;
  }

  #keysOf(node: string): string {
    const path = this.#steps.find(({ table }) => table === node)?.path;
    const { name } = primaryKeyOf(this.#schema, node);
    return path === undefined ? this.#keyOfEntity(node) : `SELECT ${sqlName(name)} FROM read_parquet(${sqlText(path)})`;
  }

  #keyOfEntity(node: string): string {
    const key = tableColumns(this.#schema, node).columns.find(({ isKey }) => isKey);
    const isThere = key !== undefined && this.#entity?.table === node;
    if (!isThere) return 'SELECT NULL WHERE false';
    return `SELECT CAST(${sqlText(String(this.#entity?.properties[key.name]))} AS ${stagedType(key.type)})`;
  }
}

/** The first of the rows with one key stays. */
const repeatedKeys = ({ table, path, columns }: LoadStep): string => {
  const key = sqlName(columns.find(({ isKey }) => isKey)?.name ?? '');
  return `WITH repeated AS (SELECT ${key} AS repeated_key FROM read_parquet(${sqlText(path)}) GROUP BY ${key} HAVING count(*) > 1),
    ordered AS (SELECT file_row_number + 1 AS row_number, CAST(${key} AS VARCHAR) AS key, row_number() OVER same AS nth, first(file_row_number) OVER same + 1 AS first_row
      FROM ${numbered(path)} JOIN repeated ON repeated_key = ${key} WINDOW same AS (PARTITION BY ${key} ORDER BY file_row_number))
    SELECT ${sqlText(table)}, row_number, concat('the key ', key, ' is that of row ', first_row) FROM ordered WHERE nth > 1`;
};

/** Rows `from` to `to` (from 0, `to` not included) of a staged file, without those that were found to be unloadable. */
export const loadableRows = ({ table, path, columns }: LoadStep, from: number, to: number): string => {
  const names = columns.map(({ name }) => sqlName(name)).join(', ');
  return `SELECT ${names} FROM ${numbered(path)} WHERE file_row_number >= ${from} AND file_row_number < ${to}
    AND file_row_number + 1 NOT IN (SELECT "row" FROM unloadable WHERE "table" = ${sqlText(table)})`;
};

const numbered = (path: string): string => `read_parquet(${sqlText(path)}, file_row_number = true)`;
