/**
 * Files to a graph: how fast, beside the engines alone, and in how much memory.
 *
 *     node bench/loading.ts                     # all of it; minutes
 *     node bench/loading.ts --people 100000 --rounds 1 --memory 1
 *
 * `--memory 1,5,10` are millions of relationships, each in processes of their own.
 */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Connection, Database } from '@ladybugdb/core';
import type { ResolvedSchema } from '../domain/graph/graph-schema.ts';
import { schemaStatements } from '../instance/database/schema-statements.ts';
import { type LoadedGraph, loadGraph } from '../instance/loading/load-graph.ts';
import { DuckDBSession, sqlText } from '../instance/staging/duckdb-session.ts';
import type { SourceFile } from '../instance/staging/source-file.ts';
import { type StagedTable, stageTable } from '../instance/staging/stage-table.ts';
import { type DataSet, writeDataSet } from './data-set.ts';
import { percentile, printTable } from './figures.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '800000' },
    rounds: { type: 'string', default: '3' },
    memory: { type: 'string', default: '1,5,10' },
    /** Of the processes that the memory is measured in: `stage` or `load`, and where. */
    worker: { type: 'string' },
    directory: { type: 'string' },
  },
});

const BUFFER_POOL_BYTES = 512 * 2 ** 20;
const UNLIMITED = { rows: 1e9, bytes: 1e12 };

const stage = (directory: string, schema: ResolvedSchema, table: string, files: SourceFile[]): Promise<StagedTable> => {
  const output = join(directory, `${table}.staged.parquet`);
  return stageTable(
    { schema, table, files, existing: null, output, ignoreErrors: false, limits: UNLIMITED },
    { temporaryDirectory: directory },
  );
};

const load = async (directory: string, schema: ResolvedSchema, tables: readonly string[]): Promise<LoadedGraph> => {
  const output = join(directory, 'loaded.lbug');
  await rm(output, { force: true });
  return loadGraph(
    {
      schema,
      files: tables.map((table) => ({ table, path: join(directory, `${table}.staged.parquet`) })),
      limits: { ...UNLIMITED, rowsPerTable: UNLIMITED.rows },
      ignoreErrors: false,
      output,
      report: join(directory, 'report.ndjson'),
      bufferPoolBytes: BUFFER_POOL_BYTES,
    },
    { temporaryDirectory: directory },
  );
};

const secondsOf = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
};

/** Takes turns, so that what else the machine does falls on both; the median of each, in seconds. */
const inTurns = async (rounds: number, ...works: (() => Promise<unknown>)[]): Promise<number[]> => {
  const seconds: number[][] = works.map(() => []);
  for (let round = 0; round < rounds; round += 1)
    for (const [index, work] of works.entries()) seconds[index]?.push(await secondsOf(work));
  return seconds.map((all) => percentile(all, 50));
};

/** LadybugDB by itself: tables, COPY of the same Parquet, checkpoint, and a copy of the file. */
const engineAlone = async (directory: string, { schema, tables }: DataSet): Promise<void> => {
  const file = join(directory, 'alone.lbug');
  await rm(file, { force: true });
  const database = new Database(file, BUFFER_POOL_BYTES, true, false, 64 * 2 ** 30);
  const connection = new Connection(database, 2);
  for (const statement of schemaStatements(schema)) await connection.query(statement);
  for (const { table } of tables)
    await connection.query(`COPY ${table} FROM '${join(directory, `${table}.staged.parquet`)}'`);
  await connection.query('CHECKPOINT');
  await connection.close();
  await database.close();
  await copyFile(file, join(directory, 'copy.lbug'));
};

const benchLoading = async (directory: string, rounds: number): Promise<void> => {
  const startedAt = performance.now();
  const dataSet = await writeDataSet(directory, { people: Number(values.people), seed: 1 });
  console.log(`Data set written in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.\n`);
  const staged: Record<string, string>[] = [];
  for (const { table, files } of dataSet.tables) {
    let rows = 0;
    const seconds = await secondsOf(async () => {
      ({ rows } = await stage(directory, dataSet.schema, table, files));
    });
    const names = files.map(({ name }) => name).join(', ');
    staged.push({
      staged: table,
      files: names,
      rows: String(rows),
      seconds: seconds.toFixed(2),
      'rows/s': perSecond(rows, seconds),
    });
  }
  printTable(staged);
  const rows = staged.reduce((sum, { rows: count }) => sum + Number(count), 0);
  const tables = dataSet.tables.map(({ table }) => table);
  const [ours, alone] = await inTurns(
    rounds,
    async () => {
      await load(directory, dataSet.schema, tables);
      await copyFile(join(directory, 'loaded.lbug'), join(directory, 'published.lbug'));
    },
    () => engineAlone(directory, dataSet),
  );
  printTable([
    {
      'Parquet to a database file': 'loadGraph, with checksum and a file copy',
      rows: String(rows),
      seconds: format(ours),
      'rows/s': perSecond(rows, ours),
    },
    {
      'Parquet to a database file': 'LadybugDB alone, with a file copy',
      rows: String(rows),
      seconds: format(alone),
      'rows/s': perSecond(rows, alone),
    },
    {
      'Parquet to a database file': 'of its speed (aim: at least 0.85)',
      rows: '',
      seconds: format((alone ?? 0) / (ours ?? 1)),
      'rows/s': '',
    },
  ]);
};

const EVENT: ResolvedSchema = {
  name: 'events',
  version: '1.0.0',
  extends: null,
  extensions: [],
  nodes: [
    {
      name: 'Event',
      properties: [
        { name: 'id', type: 'INT64', primaryKey: true },
        { name: 'name', type: 'STRING', primaryKey: false },
        { name: 'day', type: 'DATE', primaryKey: false },
        { name: 'value', type: 'DOUBLE', primaryKey: false },
        { name: 'moment', type: 'TIMESTAMP', primaryKey: false },
        { name: 'count', type: 'INT32', primaryKey: false },
        { name: 'valid', type: 'BOOL', primaryKey: false },
      ],
    },
  ],
  relationships: [{ name: 'NEXT', from: 'Event', to: 'Event', properties: [{ name: 'day', type: 'DATE' }] }],
};
const DUCKDB_COLUMNS = `{id: 'BIGINT', name: 'VARCHAR', day: 'DATE', value: 'DOUBLE', moment: 'TIMESTAMP', count: 'INTEGER', valid: 'BOOLEAN'}`;

const writeEvents = async (
  directory: string,
  nodes: number,
  relationships: number,
): Promise<Record<'Event' | 'NEXT', SourceFile>> => {
  await using duckdb = await DuckDBSession.open({ temporaryDirectory: directory });
  const source = (name: string): SourceFile => ({
    name,
    path: join(directory, name),
    format: 'csv',
    compression: 'none',
  });
  const files = { Event: source('events.csv'), NEXT: source('next.csv') };
  const event = `i AS id, 'Event "' || (i * 7919 % 100003) || '", ü' AS name, DATE '1990-01-01' + CAST(i % 12000 AS INTEGER) AS day, (i * 31 % 1000) / 7 AS value,
    TIMESTAMP '2000-01-01' + to_seconds(i * 37) AS moment, CASE WHEN i % 3 > 0 THEN i % 1000 END AS count, i % 2 = 0 AS valid`;
  const next = `hash(i) % ${nodes} AS "from", hash(i + 7) % ${nodes} AS "to", DATE '2000-01-01' + CAST(i % 9000 AS INTEGER) AS day`;
  await duckdb.run(
    `COPY (SELECT ${event} FROM range(${nodes}) AS t(i)) TO ${sqlText(files.Event.path)} (FORMAT csv, HEADER)`,
  );
  await duckdb.run(
    `COPY (SELECT ${next} FROM range(${relationships}) AS t(i)) TO ${sqlText(files.NEXT.path)} (FORMAT csv, HEADER)`,
  );
  return files;
};

const benchStaging = async (directory: string, rounds: number): Promise<void> => {
  const rows = Number(values.people) * 3;
  const { Event: file } = await writeEvents(directory, rows, 1);
  const options = `header = true, auto_detect = false, delim = ',', quote = '"', escape = '"'`;
  const [ours, alone] = await inTurns(
    rounds,
    () => stage(directory, EVENT, 'Event', [file]),
    async () => {
      await using duckdb = await DuckDBSession.open({ temporaryDirectory: directory });
      const read = `FROM read_csv(${sqlText(file.path)}, ${options}, columns = ${DUCKDB_COLUMNS})`;
      await duckdb.run(`COPY (${read}) TO ${sqlText(join(directory, 'alone.parquet'))} (FORMAT parquet)`);
    },
  );
  const megabytes = ((await stat(file.path)).size / 1e6).toFixed(0);
  printTable([
    {
      [`CSV of ${megabytes} MB to Parquet`]: 'stageTable, with checks, keys and checksum',
      rows: String(rows),
      seconds: format(ours),
      'rows/s': perSecond(rows, ours),
    },
    {
      [`CSV of ${megabytes} MB to Parquet`]: 'DuckDB alone',
      rows: String(rows),
      seconds: format(alone),
      'rows/s': perSecond(rows, alone),
    },
    {
      [`CSV of ${megabytes} MB to Parquet`]: 'of its time (aim: at most 1.3)',
      rows: '',
      seconds: format((ours ?? 0) / (alone ?? 1)),
      'rows/s': '',
    },
  ]);
};

const benchMemory = async (millions: readonly number[]): Promise<void> => {
  const rows: Record<string, string>[] = [];
  for (const million of millions) {
    await inDirectory(async (directory) => {
      await writeEvents(directory, million * 250_000, million * 1e6);
      const run = (worker: string): Record<string, string> => {
        const args = [import.meta.filename, '--worker', worker, '--directory', directory];
        return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Record<string, string>;
      };
      const sizes = { nodes: String(million * 250_000), relationships: String(million * 1e6) };
      rows.push({ ...sizes, ...run('stage'), ...run('load') });
    });
  }
  printTable(rows);
};

/** The peak of this process, of which Node with nothing to do is some 50 MB. */
const peakMebibytes = async (): Promise<string> =>
  (Number(/^VmHWM:\s+(\d+) kB$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1]) / 1_024).toFixed(0);

const runWorker = async (worker: string, directory: string): Promise<void> => {
  const source = (name: string): SourceFile => ({
    name,
    path: join(directory, name),
    format: 'csv',
    compression: 'none',
  });
  const seconds = await secondsOf(async () => {
    if (worker === 'load') return load(directory, EVENT, ['Event', 'NEXT']);
    await stage(directory, EVENT, 'Event', [source('events.csv')]);
    return stage(directory, EVENT, 'NEXT', [source('next.csv')]);
  });
  console.log(JSON.stringify({ [`${worker}: s`]: seconds.toFixed(1), [`${worker}: peak MiB`]: await peakMebibytes() }));
};

const inDirectory = async (work: (directory: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'graphfleet-bench-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const format = (seconds: number | undefined): string => (seconds ?? Number.NaN).toFixed(2);
const perSecond = (rows: number, seconds: number | undefined): string =>
  Math.round(rows / (seconds ?? Number.NaN)).toLocaleString('en');

if (values.worker !== undefined && values.directory !== undefined) await runWorker(values.worker, values.directory);
else {
  const rounds = Number(values.rounds);
  await inDirectory((directory) => benchLoading(directory, rounds));
  await inDirectory((directory) => benchStaging(directory, rounds));
  await benchMemory(
    values.memory
      .split(',')
      .filter((text) => text !== '')
      .map(Number),
  );
}
