import { type PropertyType, parsePropertyType } from '../../domain/graph/property-type.ts';
import type { EngineConnection, EngineResult } from './engine.ts';

/** The type of each property, by table and name: the engine does not say them beside a node. */
export type TableProperties = ReadonlyMap<string, ReadonlyMap<string, PropertyType>>;

export const NO_TABLES: TableProperties = new Map();

/** Reads the tables of a database from its catalog. */
export const readTableProperties = async (connection: EngineConnection): Promise<TableProperties> => {
  const tables = new Map<string, ReadonlyMap<string, PropertyType>>();
  for (const { name } of await rowsOf(connection, 'CALL show_tables() RETURN name'))
    tables.set(name ?? '', await readProperties(connection, name ?? ''));
  return tables;
};

const readProperties = async (connection: EngineConnection, table: string): Promise<Map<string, PropertyType>> => {
  const properties = new Map<string, PropertyType>();
  const rows = await rowsOf(connection, `CALL table_info('${table.replaceAll(/['\\]/g, '\\$&')}') RETURN name, type`);
  for (const { name, type: text } of rows) {
    const type = parsePropertyType(text ?? '');
    if (name !== undefined && type !== undefined) properties.set(name, type);
  }
  return properties;
};

const rowsOf = async (connection: EngineConnection, text: string): Promise<Partial<Record<string, string>>[]> => {
  const result = await connection.execute(await connection.prepare(text), {});
  try {
    return [...textRows(result)];
  } finally {
    result.close();
  }
};

function* textRows(result: EngineResult): Generator<Partial<Record<string, string>>> {
  for (let row = result.next(); row !== null; row = result.next())
    yield Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]));
}
