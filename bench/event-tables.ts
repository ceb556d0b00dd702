import { join } from 'node:path';
import type { ResolvedSchema } from '../domain/graph/graph-schema.ts';
import { DuckDBSession, sqlText } from '../instance/staging/duckdb-session.ts';
import type { SourceFile } from '../instance/staging/source-file.ts';
import { type StagedTable, stageTable } from '../instance/staging/stage-table.ts';
import { UNLIMITED } from './loaded-graph.ts';

const EVENT_PROPERTIES = {
  id: 'INT64',
  name: 'STRING',
  day: 'DATE',
  value: 'DOUBLE',
  moment: 'TIMESTAMP',
  count: 'INT32',
  valid: 'BOOL',
} as const;

/** A node of seven properties, and a relationship of one. */
export const EVENTS: ResolvedSchema = {
  name: 'events',
  version: '1.0.0',
  extends: null,
  extensions: [],
  nodes: [
    {
      name: 'Event',
      properties: Object.entries(EVENT_PROPERTIES).map(([name, type]) => ({ name, type, primaryKey: name === 'id' })),
    },
  ],
  relationships: [{ name: 'NEXT', from: 'Event', to: 'Event', properties: [{ name: 'day', type: 'DATE' }] }],
};

/** The nodes' columns as DuckDB reads them by itself. */
export const EVENT_COLUMNS = `{id: 'BIGINT', name: 'VARCHAR', day: 'DATE', value: 'DOUBLE', moment: 'TIMESTAMP', count: 'INTEGER', valid: 'BOOLEAN'}`;

export const eventFile = (directory: string, table: string): SourceFile => ({
  name: `${table}.csv`,
  path: join(directory, `${table}.csv`),
  format: 'csv',
  compression: 'none',
});

/** Writes both tables as CSV. */
export const writeEvents = async (directory: string, nodes: number, relationships: number): Promise<void> => {
  await using duckdb = await DuckDBSession.open({ temporaryDirectory: directory });
  const write = (table: string, query: string) =>
    duckdb.run(`COPY (${query}) TO ${sqlText(eventFile(directory, table).path)} (FORMAT csv, HEADER)`);
  await write(
    'Event',
    `SELECT i AS id, 'Event "' || (i * 7919 % 100003) || '", ü' AS name, DATE '1990-01-01' + CAST(i % 12000 AS INTEGER) AS day,
     (i * 31 % 1000) / 7 AS value, TIMESTAMP '2000-01-01' + to_seconds(i * 37) AS moment, CASE WHEN i % 3 > 0 THEN i % 1000 END AS count,
     i % 2 = 0 AS valid FROM range(${nodes}) AS t(i)`,
  );
  await write(
    'NEXT',
    `SELECT hash(i) % ${nodes} AS "from", hash(i + 7) % ${nodes} AS "to", DATE '2000-01-01' + CAST(i % 9000 AS INTEGER) AS day
     FROM range(${relationships}) AS t(i)`,
  );
};

export const stagedEvents = (directory: string, table: string): string => join(directory, `${table}.staged.parquet`);

export const stageEvents = (directory: string, table: string): Promise<StagedTable> =>
  stageTable(
    {
      schema: EVENTS,
      table,
      files: [eventFile(directory, table)],
      existing: null,
      output: stagedEvents(directory, table),
      ignoreErrors: false,
      limits: UNLIMITED,
    },
    { temporaryDirectory: directory },
  );
