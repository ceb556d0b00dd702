import { rm } from 'node:fs/promises';
import type { EntityInput } from '../../domain/graph/entity.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { Engine, type EngineConnection } from './engine.ts';
import { entityStatement } from './entity-statement.ts';
import { schemaStatements } from './schema-statements.ts';

/**
 * Makes an empty graph in one file, where no file is.
 * @throws {Error} with the engine's message; no file is left then
 */
export const createDatabase = (file: string, schema: ResolvedSchema): Promise<void> =>
  changeDatabase(file, (connection) => applySchema(connection, schema));

/**
 * Adds a row to a graph that nobody else has open.
 * @throws {Error} with the engine's message; no file is left then
 */
export const insertEntity = (file: string, entity: EntityInput, schema: ResolvedSchema): Promise<void> =>
  changeDatabase(file, (connection) => createEntity(connection, entity, schema));

/** After a change everything is in the one file: what is still in the write-ahead log could not be uploaded. */
const changeDatabase = async (file: string, change: (connection: EngineConnection) => Promise<void>): Promise<void> => {
  try {
    await withDatabase(file, async (connection) => {
      await change(connection);
      await connection.run('CHECKPOINT');
    });
  } catch (error) {
    await removeDatabase(file);
    throw error;
  }
};

const withDatabase = async (file: string, work: (connection: EngineConnection) => Promise<void>): Promise<void> => {
  const engine = await Engine.open(file, { readOnly: false });
  try {
    const connection = await engine.connect();
    try {
      await work(connection);
    } finally {
      await connection.close();
    }
  } finally {
    await engine.close();
  }
};

/** One transaction: one write to the log instead of one a table, and no half of a schema. */
export const applySchema = async (connection: EngineConnection, schema: ResolvedSchema): Promise<void> => {
  const statements = schemaStatements(schema);
  if (statements.length === 0) return;
  await connection.run(['BEGIN TRANSACTION', ...statements, 'COMMIT'].join(';\n'));
};

/** Adds a row. @throws {Error} with the engine's message */
export const createEntity = async (
  connection: EngineConnection,
  entity: EntityInput,
  schema: ResolvedSchema,
): Promise<void> => {
  const { text, parameters } = entityStatement(entity, schema);
  const result = await connection.execute(await connection.prepare(text), parameters);
  result.close();
};

/** Removes a database and what the engine leaves beside it when it is cut short. */
export const removeDatabase = async (file: string): Promise<void> => {
  await Promise.all(SUFFIXES.map((suffix) => rm(`${file}${suffix}`, { recursive: true, force: true })));
};

const SUFFIXES = ['', '.wal', '.wal.checkpoint', '.shadow', '.tmp', '.lock'];
