import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection, Database } from '@ladybugdb/core';
import { percentile } from './figures.ts';

/** The tables of the graphs that the bench provisions, as one would write them for the engine alone. */
const STATEMENTS = [
  'CREATE NODE TABLE Entity(identifier STRING PRIMARY KEY, name STRING, category STRING, createdAt TIMESTAMP)',
  'CREATE NODE TABLE Company(id STRING PRIMARY KEY, founded DATE, revenue DOUBLE, employees INT64)',
  'CREATE NODE TABLE Person(id STRING PRIMARY KEY, born DATE)',
  'CREATE REL TABLE RELATED_TO(FROM Entity TO Entity, kind STRING)',
  'CREATE REL TABLE OWNS(FROM Company TO Company, share DOUBLE)',
  'CREATE REL TABLE WORKS_AT(FROM Person TO Company, since DATE)',
];

/** The yardstick: LadybugDB alone creates a database, applies the schema, checkpoints. */
export const engineAlone = async (
  directory: string,
  databases: number,
  atOnce: number,
): Promise<Record<string, string>[]> => {
  await mkdir(directory, { recursive: true });
  const rows: Record<string, string>[] = [];
  for (const concurrency of [1, atOnce]) {
    const milliseconds: number[] = [];
    const startedAt = performance.now();
    let next = 0;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (next < databases) milliseconds.push(await build(join(directory, `${concurrency}-${next++}.lbug`)));
      }),
    );
    rows.push({
      'LadybugDB alone': concurrency === 1 ? 'one by one' : `${concurrency} at once`,
      'create, schema, checkpoint p50 / p99 ms': `${percentile(milliseconds, 50).toFixed(1)} / ${percentile(milliseconds, 99).toFixed(1)}`,
      'databases/s': (databases / ((performance.now() - startedAt) / 1_000)).toFixed(1),
    });
  }
  return rows;
};

const build = async (file: string): Promise<number> => {
  const startedAt = performance.now();
  const database = new Database(file, 64 * 1024 ** 2, true, false, 1024 ** 3);
  const connection = new Connection(database, 1);
  for (const statement of STATEMENTS) await connection.query(statement);
  await connection.query('CHECKPOINT');
  await connection.close();
  await database.close();
  return performance.now() - startedAt;
};
