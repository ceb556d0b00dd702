import { Refusal } from '../failure.ts';
import type { ResolvedSchema } from '../graph/graph-schema.ts';

/** A column of a table's files. The ends of a relationship are columns of the types of the keys that they name. */
export type SchemaColumn = { name: string; type: string; isKey: boolean };

/** A node or relationship of a graph's schema, as files of its rows are to be. */
export type SchemaTable = {
  name: string;
  kind: 'node' | 'relationship';
  columns: readonly SchemaColumn[];
};

/** Every table of a schema: nodes first, in the schema's order. */
export const tablesOf = ({ nodes, relationships }: ResolvedSchema): SchemaTable[] => {
  const keyOf = (node: string) =>
    nodes.find(({ name }) => name === node)?.properties.find(({ primaryKey }) => primaryKey)?.type ?? 'STRING';
  return [
    ...nodes.map(({ name, properties }) => ({
      name,
      kind: 'node' as const,
      columns: properties.map((property) => ({
        name: property.name,
        type: property.type,
        isKey: property.primaryKey,
      })),
    })),
    ...relationships.map(({ name, from, to, properties }) => ({
      name,
      kind: 'relationship' as const,
      columns: [
        { name: 'from', type: keyOf(from), isKey: true },
        { name: 'to', type: keyOf(to), isKey: true },
        ...properties.map((property) => ({ ...property, isKey: false })),
      ],
    })),
  ];
};

const MAX_LISTED = 50;

/**
 * A table of a schema by its name.
 * @throws {Refusal} `not_found`, with the names of those that there are
 */
export const tableNamed = (schema: ResolvedSchema, name: string): SchemaTable => {
  const tables = tablesOf(schema);
  const found = tables.find((table) => table.name === name);
  if (found !== undefined) return found;
  const names = tables.map((table) => table.name);
  const known = names.slice(0, MAX_LISTED).join(', ') + (names.length > MAX_LISTED ? ', …' : '');
  throw new Refusal('not_found', `The graph has no table "${name}". It has: ${known === '' ? 'none' : known}.`);
};
