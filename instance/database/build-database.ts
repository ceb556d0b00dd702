import { rm, stat } from 'node:fs/promises';
import type { EntityInput } from '../../domain/graph/entity.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { Engine, type EngineConnection } from './engine.ts';
import { entityStatement } from './entity-statement.ts';
import { schemaStatements } from './schema-statements.ts';

export type DatabaseDefinition = { schema: ResolvedSchema; entity: EntityInput | null };
export type BuildStep = 'createDatabase' | 'applySchema' | 'createEntity';
export type BuiltDatabase = { bytes: number; nodeTables: number; relationshipTables: number; entities: number };

/**
 * Makes a new graph in one file, ready to be uploaded. A file that is at the path is replaced: the path is scratch.
 * @param onStep is told of each step when it is done; the next waits for it
 * @throws {Error} with the engine's message; no file is left then
 */
export const buildDatabase = async (
  file: string,
  { schema, entity }: DatabaseDefinition,
  onStep: (step: BuildStep) => void | Promise<void> = () => {},
): Promise<BuiltDatabase> => {
  await removeDatabase(file);
  try {
    await withDatabase(file, async (connection) => {
      await onStep('createDatabase');
      await applySchema(connection, schema);
      await onStep('applySchema');
      if (entity !== null) {
        await createEntity(connection, entity, schema);
        await onStep('createEntity');
      }
      // What is still in the write-ahead log would not be in the file.
      await connection.run('CHECKPOINT');
    });
  } catch (error) {
    await removeDatabase(file);
    throw error;
  }
  const { size } = await stat(file);
  return {
    bytes: size,
    nodeTables: schema.nodes.length,
    relationshipTables: schema.relationships.length,
    entities: entity === null ? 0 : 1,
  };
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
const applySchema = async (connection: EngineConnection, schema: ResolvedSchema): Promise<void> => {
  const statements = schemaStatements(schema);
  if (statements.length === 0) return;
  await connection.run(['BEGIN TRANSACTION', ...statements, 'COMMIT'].join(';\n'));
};

const createEntity = async (
  connection: EngineConnection,
  entity: EntityInput,
  schema: ResolvedSchema,
): Promise<void> => {
  const { text, parameters } = entityStatement(entity, schema);
  const result = await connection.execute(await connection.prepare(text), parameters);
  result.close();
};

/** Removes a database and what the engine leaves beside it when it is cut short. */
const removeDatabase = async (file: string): Promise<void> => {
  await Promise.all(SUFFIXES.map((suffix) => rm(`${file}${suffix}`, { recursive: true, force: true })));
};

const SUFFIXES = ['', '.wal', '.shadow', '.tmp', '.lock'];
