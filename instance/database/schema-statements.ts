import type { NodeTable, RelationshipTable, ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { type PropertyType, parsePropertyType } from '../../domain/graph/property-type.ts';

/** The statements that make a schema's tables, nodes first. */
export const schemaStatements = ({ nodes, relationships }: ResolvedSchema): string[] => [
  ...nodes.map(nodeStatement),
  ...relationships.map(relationshipStatement),
];

/** A name as Cypher text: any keyword can be a name, and no name can be more than a name. */
export const quotedName = (name: string): string => {
  if (name.includes('`')) throw new TypeError(`A name can not have a backtick: ${name}`);
  return `\`${name}\``;
};

/** A type as Cypher text, written from its parsed form so that nothing but a type can come of it. */
export const typeStatement = (text: string): string => {
  const type = parsePropertyType(text);
  if (type === undefined) throw new TypeError(`Not a type: ${text}`);
  return written(type);
};

const nodeStatement = ({ name, properties }: NodeTable): string => {
  const columns = properties.map(columnOf);
  const keys = properties.filter(({ primaryKey }) => primaryKey).map((key) => quotedName(key.name));
  return `CREATE NODE TABLE ${quotedName(name)} (${columns.join(', ')}, PRIMARY KEY (${keys.join(', ')}))`;
};

const relationshipStatement = ({ name, from, to, properties }: RelationshipTable): string => {
  const columns = [`FROM ${quotedName(from)} TO ${quotedName(to)}`, ...properties.map(columnOf)];
  return `CREATE REL TABLE ${quotedName(name)} (${columns.join(', ')})`;
};

const columnOf = ({ name, type }: { name: string; type: string }): string =>
  `${quotedName(name)} ${typeStatement(type)}`;

const written = (type: PropertyType): string => {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'list':
      return `${written(type.element)}[${type.length ?? ''}]`;
    case 'map':
      return `MAP(${written(type.key)}, ${written(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quotedName(field.name)} ${written(field.type)}`).join(', ')})`;
  }
};
