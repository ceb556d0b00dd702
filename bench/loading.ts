/**
 * Files to a graph: how fast, beside the engines alone, and in how much memory.
 *
 *     node bench/loading.ts                     # all of it; minutes
 *     node bench/loading.ts --people 100000 --rounds 1 --memory 1
 *
 * `--memory 1,5,10` are millions of relationships, each in processes of their own; `--memory ''` leaves that out.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBSession, sqlText } from '../instance/staging/duckdb-session.ts';
import { EVENT_COLUMNS, eventFile, stageEvents, writeEvents } from './event-tables.ts';
import { printTable } from './figures.ts';
import { inDirectory } from './in-directory.ts';
import { benchMemory, MEMORY_WORKS, runMemoryWork } from './loading-memory.ts';
import { benchSpeed } from './loading-speed.ts';
import { inTurns, type Turn } from './turns.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '800000' },
    rounds: { type: 'string', default: '3' },
    memory: { type: 'string', default: '1,5,10' },
    /** Of the processes that the memory is measured in, and where. */
    worker: { type: 'string' },
    directory: { type: 'string' },
  },
});

const benchStaging = async (directory: string, rows: number, rounds: number): Promise<void> => {
  await writeEvents(directory, rows, 1);
  const { path } = eventFile(directory, 'Event');
  const options = `header = true, auto_detect = false, delim = ',', quote = '"', escape = '"'`;
  const turns = await inTurns(rounds, {
    ours: { work: () => stageEvents(directory, 'Event') },
    alone: {
      work: async () => {
        await using duckdb = await DuckDBSession.open({ temporaryDirectory: directory });
        const read = `FROM read_csv(${sqlText(path)}, ${options}, columns = ${EVENT_COLUMNS})`;
        await duckdb.run(`COPY (${read}) TO ${sqlText(join(directory, 'alone.parquet'))} (FORMAT parquet)`);
      },
    },
  });
  const megabytes = ((await stat(path)).size / 1e6).toFixed(0);
  const row = (name: string, turn: Turn) => ({
    [`CSV of ${megabytes} MB to Parquet`]: name,
    seconds: turn.seconds.toFixed(2),
    'rows/s': Math.round(rows / turn.seconds).toLocaleString('en'),
    'CPU s': turn.cpuSeconds.toFixed(2),
    "of DuckDB's time (aim 1.3)": (turn.seconds / turns.alone.seconds).toFixed(2),
    'of its CPU': (turn.cpuSeconds / turns.alone.cpuSeconds).toFixed(2),
  });
  printTable([row('stageTable, with checks, keys and checksum', turns.ours), row('DuckDB alone', turns.alone)]);
};

const worker = MEMORY_WORKS.find((work) => work === values.worker);
if (worker !== undefined && values.directory !== undefined) await runMemoryWork(worker, values.directory);
else {
  const [people, rounds] = [Number(values.people), Number(values.rounds)];
  await inDirectory((directory) => benchSpeed(directory, people, rounds));
  await inDirectory((directory) => benchStaging(directory, people * 3, rounds));
  const millions = values.memory.split(',').filter((text) => text !== '');
  if (millions.length > 0) await benchMemory(import.meta.filename, millions.map(Number));
}
