import { GraphSchemaDefinition } from '../../../domain/graph/graph-schema.ts';
import { resolveSchema } from '../../../domain/graph/resolve-schema.ts';

type Definition = Partial<ReturnType<typeof definitionOf>>;

const definitionOf = () => ({
  name: 'companies',
  version: '1.0.0',
  extends: null as string | null,
  nodes: [node('Company')] as object[],
  relationships: [] as object[],
});

/** A node with a STRING key named `id` and these properties. */
export const node = (name: string, properties: object[] = []): object => ({
  name,
  properties: [{ name: 'id', type: 'STRING', primaryKey: true }, ...properties],
});

/** A definition that is valid but for what is given. */
export const definition = (given: Definition = {}): GraphSchemaDefinition =>
  GraphSchemaDefinition.parse({ ...definitionOf(), ...given });

/** Resolves a definition and returns what is wrong with it as `path: message`. */
export const issuesOf = (given: Definition = {}, extensions: string[] = []): string[] =>
  resolveSchema({ schema: definition(given), extensions }).issues.map(({ path, message }) => `${path}: ${message}`);
