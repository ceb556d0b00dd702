import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import type { PropertyType } from '../../domain/graph/property-type.ts';
import type { SchemaTable } from '../../domain/table/schema-table.ts';
import { Engine, type EngineConnection } from '../database/engine.ts';
import { quotedName } from '../database/schema-statements.ts';
import { DuckDBSession, sqlName, sqlText } from '../staging/duckdb-session.ts';
import { stagedType } from '../staging/staged-type.ts';
import { type TableColumn, tableColumns } from '../staging/table-columns.ts';

/** A table as it was exported: staged Parquet, as a staging of its rows would have made it. No file when it has no rows. */
export type ExportedTable = { table: string; kind: SchemaTable['kind']; rows: number; path: string | null };

export type ExportTables = {
  /** A database that is not changed meanwhile. */
  file: string;
  schema: ResolvedSchema;
  tables: readonly SchemaTable[];
  /** A directory that is there; the files go into it. */
  directory: string;
};

const EXPORT_THREADS = 2;
const DUCKDB_MEBIBYTES = 192;

/**
 * Writes tables of a graph as staged Parquet. The engine streams the rows; DuckDB gives them the types that staged rows
 * have, so that they can be loaded, added to and replaced as any table's, and relationships the keys of their nodes: for
 * that the engine would hold all nodes in its buffer pool.
 * @throws {Refusal} `invalid_request` for a table with a type that can not be staged
 * @throws the signal's reason; between tables, because the engine can not be interrupted
 */
export const exportTables = async (
  { file, schema, tables, directory }: ExportTables,
  signal: AbortSignal,
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
    const sourceOf = async (table: string, raw: string): Promise<string> => {
      const relationship = schema.relationships.find(({ name }) => name === table);
      if (relationship === undefined) return `SELECT * FROM read_parquet(${sqlText(raw)})`;
      const [from, to] = [await keysOf(relationship.from), await keysOf(relationship.to)];
      return `SELECT rows.* REPLACE (start.key AS "from", finish.key AS "to") FROM read_parquet(${sqlText(raw)}) AS rows
        JOIN read_parquet(${sqlText(from)}) AS start ON rows."from" = start.place
        JOIN read_parquet(${sqlText(to)}) AS finish ON rows."to" = finish.place`;
    };

    const exported: ExportedTable[] = [];
    for (const [at, { name, kind }] of tables.entries()) {
      signal.throwIfAborted();
      const { columns } = tableColumns(schema, name);
      const rows = await countRows(connection, schema, name);
      const [raw, path] = [join(directory, `${at}.raw.parquet`), join(directory, `${at}.parquet`)];
      if (rows > 0) {
        await connection.run(`COPY (${rowsOf(schema, name, columns)}) TO ${cypherText(raw)}`);
        const values = columns.map(({ name: column, type }) => {
          const named = sqlName(column);
          return `CAST(${withSigns(named, type)} AS ${stagedType(type)}) AS ${named}`;
        });
        const source = await sourceOf(name, raw);
        await duckdb.run(`COPY (SELECT ${values.join(', ')} FROM (${source})) TO ${sqlText(path)} (FORMAT parquet)`);
        await rm(raw);
      }
      exported.push({ table: name, kind, rows, path: rows > 0 ? path : null });
    }
    return exported;
  });
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

const countRows = async (connection: EngineConnection, schema: ResolvedSchema, table: string): Promise<number> => {
  const result = await connection.execute(
    await connection.prepare(`${patternOf(schema, table)} RETURN count(*) AS rows`),
    {},
  );
  try {
    return Number(result.next()?.['rows']);
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

const rowsOf = (schema: ResolvedSchema, table: string, columns: readonly TableColumn[]): string => {
  const isRelationship = schema.relationships.some(({ name }) => name === table);
  const values = columns.map(({ name, type, isKey }) => {
    if (isRelationship && isKey) return `offset(id(${name === 'from' ? 'a' : 'b'})) AS ${quotedName(name)}`;
    return `${written(`r.${quotedName(name)}`, type)} AS ${quotedName(name)}`;
  });
  return `${patternOf(schema, table)} RETURN ${values.join(', ')}`;
};

/** What the engine does not write to Parquet, or not exactly, it writes as text; staged rows have text in these places too. */
const written = (place: string, type: PropertyType): string => {
  if (!isWrittenAsText(type)) return place;
  switch (type.kind) {
    case 'scalar':
    case 'decimal':
      return `CAST(${place}, 'STRING')`;
    case 'list':
      // As a whole it casts a list of decimals by ending its process; element by element it can.
      return `list_transform(${place}, item -> ${written('item', type.element)})`;
    case 'struct': {
      const fields = type.fields.map(
        ({ name, type: field }) => `${quotedName(name)} := ${written(`struct_extract(${place}, '${name}')`, field)}`,
      );
      return `CASE WHEN ${place} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`;
    }
    // Text in a map can not be staged.
    case 'map':
      return place;
  }
};

const isWrittenAsText = (type: PropertyType): boolean => {
  switch (type.kind) {
    case 'decimal':
      return true;
    case 'scalar':
      return type.name === 'INT128' || type.name === 'INTERVAL';
    case 'list':
      return isWrittenAsText(type.element);
    case 'struct':
      return type.fields.some(({ type: field }) => isWrittenAsText(field));
    case 'map':
      return false;
  }
};

/** The engine misplaces the sign of a decimal between -1 and 0: it writes -0.05 as `0.-5`. */
const withSigns = (place: string, type: PropertyType): string => {
  if (!hasDecimal(type)) return place;
  switch (type.kind) {
    case 'decimal':
      return `CASE WHEN starts_with(${place}, '0.-') THEN '-0.' || lpad(substr(${place}, 4), ${type.scale}, '0') ELSE ${place} END`;
    case 'list':
      return `list_transform(${place}, lambda item: ${withSigns('item', type.element)})`;
    case 'struct': {
      const fields = type.fields.map(
        ({ name, type: field }) => `${sqlName(name)} := ${withSigns(`${place}.${sqlName(name)}`, field)}`,
      );
      return `CASE WHEN ${place} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`;
    }
    case 'scalar':
    case 'map':
      return place;
  }
};

const hasDecimal = (type: PropertyType): boolean => {
  switch (type.kind) {
    case 'decimal':
      return true;
    case 'list':
      return hasDecimal(type.element);
    case 'struct':
      return type.fields.some(({ type: field }) => hasDecimal(field));
    case 'scalar':
    case 'map':
      return false;
  }
};

const cypherText = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
