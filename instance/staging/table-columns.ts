import { Refusal } from '../../domain/failure.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { type PropertyType, parsePropertyType } from '../../domain/graph/property-type.ts';
import { unstageableType } from './staged-type.ts';

/** A column of a staged table. A key can not be null: a node's primary key, and both ends of a relationship. */
export type TableColumn = { name: string; text: string; type: PropertyType; isKey: boolean };

/** A table as it is staged: its columns in the order in which the engine reads them. */
export type TableColumns = { kind: 'node' | 'relationship'; name: string; columns: readonly TableColumn[] };

/**
 * The columns of a node's table are its properties; a relationship's are `from` and `to`, each of the type of the primary
 * key that it names, and then its properties.
 * @throws {Refusal} `not_found` when the schema has no such table, `invalid_request` for a type that can not be staged
 */
export const tableColumns = (schema: ResolvedSchema, name: string): TableColumns => {
  const table = nodeColumns(schema, name) ?? relationshipColumns(schema, name);
  if (table === undefined) throw new Refusal('not_found', `The graph's schema has no table ${name}.`);
  const issues = table.columns.flatMap(({ name: column, type }) => {
    const message = unstageableType(type);
    return message === undefined ? [] : [{ path: `${name}.${column}`, message }];
  });
  const [first] = issues;
  if (first !== undefined) throw new Refusal('invalid_request', `${first.path}: ${first.message}`, { issues });
  return table;
};

const nodeColumns = (schema: ResolvedSchema, name: string): TableColumns | undefined => {
  const node = schema.nodes.find((table) => table.name === name);
  return (
    node && { kind: 'node', name, columns: node.properties.map((property) => column(property, property.primaryKey)) }
  );
};

const relationshipColumns = (schema: ResolvedSchema, name: string): TableColumns | undefined => {
  const relationship = schema.relationships.find((table) => table.name === name);
  if (relationship === undefined) return undefined;
  const { from, to, properties } = relationship;
  const ends = { from: primaryKeyOf(schema, from), to: primaryKeyOf(schema, to) };
  return {
    kind: 'relationship',
    name,
    columns: [
      column({ name: 'from', type: ends.from.type }, true),
      column({ name: 'to', type: ends.to.type }, true),
      ...properties.map((property) => column(property, false)),
    ],
  };
};

/** The primary key of a node table. */
export const primaryKeyOf = (schema: ResolvedSchema, node: string): { name: string; type: string } => {
  const key = schema.nodes.find(({ name }) => name === node)?.properties.find(({ primaryKey }) => primaryKey);
  if (key === undefined) throw new TypeError(`${node} has no primary key.`);
  return key;
};

const column = ({ name, type: text }: { name: string; type: string }, isKey: boolean): TableColumn => {
  const type = parsePropertyType(text);
  if (type === undefined) throw new TypeError(`Not a type: ${text}`);
  return { name, text, type, isKey };
};
