import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntityInput } from '../../../domain/graph/entity.ts';
import { GraphSchemaDefinition } from '../../../domain/graph/graph-schema.ts';
import { resolveSchema } from '../../../domain/graph/resolve-schema.ts';
import { createDatabase, insertEntity } from '../../../instance/database/build-database.ts';
import { Engine } from '../../../instance/database/engine.ts';
import type { Json } from '../../../instance/database/query-parameters.ts';
import { openReadOnly, type Query, type ReadOnlyDatabase } from '../../../instance/database/read-only-database.ts';

/** A directory of the test's own. */
export const scratchDirectory = async (): Promise<AsyncDisposable & { path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'graphfleet-database-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};

export type GraphGiven = {
  nodes?: object[];
  relationships?: object[];
  entity?: EntityInput | null;
  /** Statements that fill the graph before it is opened for reading. */
  fill?: string[];
};

export type TestGraph = AsyncDisposable & {
  directory: string;
  file: string;
  database: ReadOnlyDatabase;
  /** Rows of a query, with a generous limit and timeout unless told. */
  rows(cypher: string, query?: Partial<Query>): Promise<Json[][]>;
  /** The one value of a query. */
  value(cypher: string, query?: Partial<Query>): Promise<Json | undefined>;
};

/** Builds a graph, fills it and opens it for reading. */
export const openGraph = async ({
  nodes = [],
  relationships = [],
  entity = null,
  fill = [],
}: GraphGiven): Promise<TestGraph> => {
  const directory = await scratchDirectory();
  const file = join(directory.path, 'graph.lbug');
  const definition = GraphSchemaDefinition.parse({ name: 'test', version: '1.0.0', nodes, relationships });
  const { schema, issues } = resolveSchema({ schema: definition, extensions: [] });
  if (issues.length > 0) throw new Error(JSON.stringify(issues));
  await createDatabase(file, schema);
  if (entity !== null) await insertEntity(file, entity, schema);
  if (fill.length > 0) await fillDatabase(file, fill);
  const database = await openReadOnly(file);
  const rows = (cypher: string, query: Partial<Query> = {}) => readRows(database, { ...GENEROUS, cypher, ...query });
  return {
    directory: directory.path,
    file,
    database,
    rows,
    value: async (cypher, query) => (await rows(cypher, query))[0]?.[0],
    [Symbol.asyncDispose]: async () => {
      await database.close();
      await directory[Symbol.asyncDispose]();
    },
  };
};

const GENEROUS = { limit: 1_000, timeoutMs: 20_000 };

const readRows = async (database: ReadOnlyDatabase, query: Query): Promise<Json[][]> => {
  const answer = await database.query(query);
  return await Array.fromAsync(answer.rows());
};

const fillDatabase = async (file: string, statements: string[]): Promise<void> => {
  const engine = await Engine.open(file, { readOnly: false });
  const connection = await engine.connect();
  await connection.run([...statements, 'CHECKPOINT'].join(';\n'));
  await connection.close();
  await engine.close();
};
