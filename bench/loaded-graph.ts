import { copyFile, link, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection, Database } from '@ladybugdb/core';
import type { ResolvedSchema } from '../domain/graph/graph-schema.ts';
import { schemaStatements } from '../instance/database/schema-statements.ts';
import { LOAD_BUFFER_POOLS_BYTES, type LoadProgress, loadGraph } from '../instance/loading/load-graph.ts';
import type { StagedFile } from '../instance/loading/load-plan.ts';

export const UNLIMITED = { rows: 1e9, rowsPerTable: 1e9, bytes: 1e12 };

/** Staged tables in a directory of the bench's own, by names by which the engine knows their format. */
export const linkStaged = async (
  directory: string,
  parts: readonly { table: string; path: string }[],
): Promise<StagedFile[]> =>
  Promise.all(
    parts.map(async ({ table, path }) => {
      const linked = join(directory, `${table}.staged.parquet`);
      await link(path, linked);
      return { table, path: linked };
    }),
  );

/** Our load of staged tables in this process, and a copy of the file in the place of an upload. */
export const loadAndCopy = async (
  directory: string,
  schema: ResolvedSchema,
  files: readonly StagedFile[],
  onProgress?: (progress: LoadProgress) => void,
): Promise<void> => {
  const output = join(directory, 'loaded.lbug');
  await rm(output, { force: true });
  const report = join(directory, 'report.ndjson');
  await loadGraph(
    { schema, files, limits: UNLIMITED, ignoreErrors: false, output, report },
    { temporaryDirectory: directory },
    onProgress,
  );
  await copyFile(output, join(directory, 'published.lbug'));
};

/** LadybugDB by itself: tables, COPY of the same Parquet, checkpoint, and a copy of the file. */
export const engineAlone = async (
  directory: string,
  schema: ResolvedSchema,
  files: readonly StagedFile[],
): Promise<void> => {
  const file = join(directory, 'alone.lbug');
  await rm(file, { force: true });
  const database = new Database(file, LOAD_BUFFER_POOLS_BYTES[0], true, false, 64 * 2 ** 30);
  const connection = new Connection(database, 2);
  const run = async (statement: string) => {
    for (const result of [await connection.query(statement)].flat()) result.close();
  };
  for (const statement of schemaStatements(schema)) await run(statement);
  for (const { table, path } of files) await run(`COPY ${table} FROM '${path}'`);
  await run('CHECKPOINT');
  await connection.close();
  await database.close();
  await copyFile(file, join(directory, 'copy.lbug'));
};
