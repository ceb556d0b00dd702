import { readFile } from 'node:fs/promises';
import type { DataSet } from '../../bench/data-set.ts';
import type { Client } from './client.ts';
import { Loading } from './staging.ts';

export type StagedTable = { table: string; rows: number; seconds: number };

/** A graph with the schema of a data set: every file sent by its signed URL as it is on disk, and every table staged. */
export const stageDataSet = async (
  client: Client,
  { schema, tables }: DataSet,
): Promise<{ graph: Loading; staged: StagedTable[] }> => {
  const { extensions, ...definition } = schema;
  const { graphId } = await client.createGraph({ name: 'Shop', schema: definition, extensions });
  const graph = new Loading(client, graphId);
  const staged: StagedTable[] = [];
  for (const { table, files } of tables) {
    const fileIds: string[] = [];
    for (const { name, path } of files) fileIds.push(await graph.send(table, name, await readFile(path)));
    const startedAt = performance.now();
    const { status, result, error } = await graph.stage(table, { fileIds, mode: 'create' });
    if (status !== 'succeeded') throw new Error(`${table} was not staged: ${JSON.stringify(error)}`);
    staged.push({ table, rows: Number(result?.['rows']), seconds: (performance.now() - startedAt) / 1_000 });
  }
  return { graph, staged };
};
