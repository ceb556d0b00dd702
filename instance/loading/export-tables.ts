import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Terminal } from '../../domain/failure.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { SchemaTable } from '../../domain/table/schema-table.ts';
import { Engine, type EngineConnection } from '../database/engine.ts';
import { quotedName } from '../database/schema-statements.ts';
import { DuckDBSession, sqlText } from '../staging/duckdb-session.ts';
import { tableColumns } from '../staging/table-columns.ts';
import { cypherText, read, written } from './exported-value.ts';
import type { LoadProgress } from './load-graph.ts';

/** A table as it was exported: staged Parquet, as a staging of its rows would have made it. No file when it has no rows. */
export type ExportedTable = { table: string; kind: SchemaTable['kind']; rows: number; path: string | null };

export type ExportTables = {
  /** A database that is not changed meanwhile. */
  file: string;
  schema: ResolvedSchema;
  tables: readonly SchemaTable[];
  /** A directory that is there; the files go into it. */
  directory: string;
  /** About so many rows are written by one statement. @default 1,000,000 */
  chunkRows?: number;
};

const EXPORT_THREADS = 2;
/** A second or two of work; the engine finds a chunk by its place, so many cost what one costs. */
const CHUNK_ROWS = 1_000_000;
const DUCKDB_MEBIBYTES = 192;

/**
 * Writes tables of a graph as staged Parquet. The engine streams the rows; DuckDB gives them the types that staged rows
 * have, so that they can be loaded, added to and replaced as any table's, and relationships the keys of their nodes: for
 * that the engine would hold all nodes in its buffer pool.
 * @throws {Refusal} `invalid_request` for a table with a type that can not be staged
 * @throws the signal's reason; between chunks, because the engine can not be interrupted
 */
export const exportTables = async (
  { file, schema, tables, directory, chunkRows = CHUNK_ROWS }: ExportTables,
  signal: AbortSignal,
  onProgress: (progress: LoadProgress) => void = () => {},
): Promise<ExportedTable[]> => {
  const temporaryDirectory = join(directory, 'duckdb');
  await using duckdb = await DuckDBSession.open({ temporaryDirectory, memoryMebibytes: DUCKDB_MEBIBYTES, signal });
  // Awaited here: DuckDB is closed when this returns, and a query on a closed connection ends the process.
  return await withReader(file, async (connection) => {
    const keys = new Map<string, string>();
    /** A file of the keys of a node table, with the offsets by which relationships know their nodes. */
    const keysOf = async (node: string): Promise<string> => {
      const known = keys.get(node);
      if (known !== undefined) return known;
      const path = join(directory, `${keys.size}.keys.parquet`);
      keys.set(node, path);
      const key = tableColumns(schema, node).columns.find(({ isKey }) => isKey);
      if (key === undefined) throw new TypeError(`${node} has no primary key.`);
      const values = `offset(id(r)) AS place, ${written(`r.${quotedName(key.name)}`, key.type)} AS key`;
      await connection.run(`COPY (MATCH (r:${quotedName(node)}) RETURN ${values}) TO ${cypherText(path)}`);
      return path;
    };
    const sourceOf = async (table: string, chunks: readonly string[]): Promise<string> => {
      const relationship = schema.relationships.find(({ name }) => name === table);
      const raw = `[${chunks.map(sqlText).join(', ')}]`;
      if (relationship === undefined) return `SELECT * FROM read_parquet(${raw})`;
      const [from, to] = [await keysOf(relationship.from), await keysOf(relationship.to)];
      return `SELECT rows.* REPLACE (start.key AS "from", finish.key AS "to") FROM read_parquet(${raw}) AS rows
        JOIN read_parquet(${sqlText(from)}) AS start ON rows."from" = start.place
        JOIN read_parquet(${sqlText(to)}) AS finish ON rows."to" = finish.place`;
    };

    const rowsIn = (parquet: string): Promise<number> =>
      duckdb.number(`SELECT sum(num_rows) FROM parquet_file_metadata(${sqlText(parquet)})`);

    /** The rows as the engine writes them, a file for each range of nodes: their own, or those that relationships lead from. */
    const writeChunks = async (table: string, rowsTotal: number, path: string): Promise<string[]> => {
      const chunks = Math.ceil(rowsTotal / chunkRows);
      const places = chunks === 1 ? 1 : await countPlaces(connection, schema, table);
      const paths: string[] = [];
      let rowsDone = 0;
      for (let chunk = 0; chunk < chunks; chunk += 1) {
        signal.throwIfAborted();
        const endOf = (count: number) => Math.floor((count * places) / chunks);
        const range = chunks === 1 ? null : { from: endOf(chunk), to: endOf(chunk + 1) };
        const raw = `${path}.${chunk}.parquet`;
        await connection.run(`COPY (${rowsOf(schema, table, range)}) TO ${cypherText(raw)}`);
        paths.push(raw);
        rowsDone += await rowsIn(raw);
        onProgress({ table, rowsDone, rowsTotal });
      }
      refuseLoss(table, rowsTotal, rowsDone);
      return paths;
    };

    const exported: ExportedTable[] = [];
    for (const [at, { name, kind }] of tables.entries()) {
      signal.throwIfAborted();
      const { columns } = tableColumns(schema, name);
      const rows = await countRows(connection, schema, name);
      const path = join(directory, `${at}.parquet`);
      if (rows > 0) {
        const chunks = await writeChunks(name, rows, path);
        const values = columns.map((column) => read(column.name, column.type));
        const source = await sourceOf(name, chunks);
        await duckdb.run(`COPY (SELECT ${values.join(', ')} FROM (${source})) TO ${sqlText(path)} (FORMAT parquet)`);
        // A key that the engine left out would take the relationships of its node along.
        refuseLoss(name, rows, await rowsIn(path));
        for (const chunk of chunks) await rm(chunk);
      }
      exported.push({ table: name, kind, rows, path: rows > 0 ? path : null });
    }
    return exported;
  });
};

const refuseLoss = (table: string, rows: number, written: number): void => {
  if (written !== rows) throw new Terminal('internal', `${written} of ${rows} rows of ${table} were read.`);
};

/** How many rows tables of a graph have. */
export const countTables = ({
  file,
  schema,
  tables,
}: Pick<ExportTables, 'file' | 'schema' | 'tables'>): Promise<number[]> =>
  withReader(file, async (connection) => {
    const counts: number[] = [];
    for (const { name } of tables) counts.push(await countRows(connection, schema, name));
    return counts;
  });

const withReader = async <Result>(
  file: string,
  read: (connection: EngineConnection) => Promise<Result>,
): Promise<Result> => {
  const engine = await Engine.open(file, { readOnly: true });
  try {
    const connection = await engine.connect({ threads: EXPORT_THREADS });
    try {
      return await read(connection);
    } finally {
      await connection.close();
    }
  } finally {
    await engine.close();
  }
};

const countRows = (connection: EngineConnection, schema: ResolvedSchema, table: string): Promise<number> =>
  numberOf(connection, `${patternOf(schema, table)} RETURN count(*) AS number`);

/** How many places there are for nodes: a table's own, or those that a relationship leads from. */
const countPlaces = (connection: EngineConnection, schema: ResolvedSchema, table: string): Promise<number> => {
  const node = schema.relationships.find(({ name }) => name === table)?.from ?? table;
  return numberOf(connection, `MATCH (n:${quotedName(node)}) RETURN max(offset(id(n))) + 1 AS number`);
};

const numberOf = async (connection: EngineConnection, cypher: string): Promise<number> => {
  const result = await connection.execute(await connection.prepare(cypher), {});
  try {
    return Number(result.next()?.['number']);
  } finally {
    result.close();
  }
};

const patternOf = (schema: ResolvedSchema, table: string): string => {
  const relationship = schema.relationships.find(({ name }) => name === table);
  return relationship === undefined
    ? `MATCH (r:${quotedName(table)})`
    : `MATCH (a:${quotedName(relationship.from)})-[r:${quotedName(table)}]->(b:${quotedName(relationship.to)})`;
};

const rowsOf = (schema: ResolvedSchema, table: string, range: { from: number; to: number } | null): string => {
  const isRelationship = schema.relationships.some(({ name }) => name === table);
  const place = `offset(id(${isRelationship ? 'a' : 'r'}))`;
  const where = range === null ? '' : ` WHERE ${place} >= ${range.from} AND ${place} < ${range.to}`;
  const values = tableColumns(schema, table).columns.map(({ name, type, isKey }) => {
    if (isRelationship && isKey) return `offset(id(${name === 'from' ? 'a' : 'b'})) AS ${quotedName(name)}`;
    return `${written(`r.${quotedName(name)}`, type)} AS ${quotedName(name)}`;
  });
  return `${patternOf(schema, table)}${where} RETURN ${values.join(', ')}`;
};
