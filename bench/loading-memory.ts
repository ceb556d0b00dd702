import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EVENTS, stagedEvents, stageEvents, writeEvents } from './event-tables.ts';
import { printTable } from './figures.ts';
import { inDirectory } from './in-directory.ts';
import { engineAlone, loadAndCopy } from './loaded-graph.ts';

export const MEMORY_WORKS = ['stage', 'load', 'alone'] as const;
export type MemoryWork = (typeof MEMORY_WORKS)[number];

const TITLES: Record<MemoryWork, string> = {
  stage: 'CSV to Parquet',
  load: 'Parquet to a graph',
  alone: 'LadybugDB alone',
};

/** Staging and loading of so many millions of relationships, and a quarter of that of nodes, each in a process of its own. */
export const benchMemory = async (program: string, millions: readonly number[]): Promise<void> => {
  const rows: Record<string, string>[] = [];
  for (const million of millions) {
    await inDirectory(async (directory) => {
      const [nodes, relationships] = [million * 250_000, million * 1_000_000];
      await writeEvents(directory, nodes, relationships);
      const peaks = MEMORY_WORKS.map((work) => {
        const args = [program, '--worker', work, '--directory', directory];
        const output = execFileSync(process.execPath, args, {
          encoding: 'utf8',
          env: { ...process.env, MALLOC_ARENA_MAX: '2' },
        });
        return [`${TITLES[work]}: s, peak MiB of its own / with programs and mapped files / on disk`, output.trim()];
      });
      rows.push({
        'nodes + relationships': `${nodes.toLocaleString('en')} + ${relationships.toLocaleString('en')}`,
        ...Object.fromEntries(peaks),
      });
    });
  }
  printTable(rows);
};

/** How often a process looks at what it holds. */
const LOOK_MS = 10;

/** In the process of its own: does the work and prints its time and peaks. Node with nothing to do is some 45 and 110 MiB. */
export const runMemoryWork = async (work: MemoryWork, directory: string): Promise<void> => {
  let own = 0;
  let written = 0;
  const foundBytes = bytesIn(directory);
  const look = () => {
    own = Math.max(own, statusMebibytes('RssAnon'));
    written = Math.max(written, bytesIn(directory) - foundBytes);
  };
  const looking = setInterval(look, LOOK_MS);
  const startedAt = performance.now();
  const files = ['Event', 'NEXT'].map((table) => ({ table, path: stagedEvents(directory, table) }));
  if (work === 'stage') for (const table of ['Event', 'NEXT']) await stageEvents(directory, table);
  if (work === 'load') await loadAndCopy(directory, EVENTS, files);
  if (work === 'alone') await engineAlone(directory, EVENTS, files);
  clearInterval(looking);
  const seconds = (performance.now() - startedAt) / 1_000;
  const onDisk = written / 2 ** 20;
  console.log(
    `${seconds.toFixed(1)}, ${own.toFixed(0)} / ${statusMebibytes('VmHWM').toFixed(0)} / ${onDisk.toFixed(0)}`,
  );
};

/** Of a file that goes meanwhile, nothing. */
const bytesIn = (directory: string): number =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

const statusMebibytes = (name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1_024;
