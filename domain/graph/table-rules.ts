import type { FieldIssue } from '../failure.ts';
import type { NodeTable, RelationshipTable } from './graph-schema.ts';
import { parsePropertyType, propertyTypeText } from './property-type.ts';
import { RESERVED_RELATIONSHIP_PROPERTIES, sameName } from './schema-name.ts';
import { KEY_TYPES } from './supported-types.ts';

/** What is wrong with a node table, under the path where it was given. */
export const nodeTableIssues = ({ name, properties }: NodeTable, path: string): FieldIssue[] => {
  const keys = properties.flatMap((property, index) => (property.primaryKey ? [{ property, index }] : []));
  const issues = duplicateIssues(properties, path);
  if (keys.length === 0)
    issues.push({ path: `${path}.properties`, message: `Give one property of ${name} "primaryKey": true.` });
  for (const { property, index } of keys) {
    if (property !== keys[0]?.property)
      issues.push({
        path: `${path}.properties.${index}.primaryKey`,
        message: `${name} already has the primary key ${keys[0]?.property.name}. Keep one.`,
      });
    const type = parsePropertyType(property.type);
    if (type?.kind !== 'scalar' || !KEY_TYPES.includes(type.name))
      issues.push({
        path: `${path}.properties.${index}.type`,
        message: `A primary key can not be ${property.type}. Use one of ${KEY_TYPES.join(', ')}.`,
      });
  }
  return issues;
};

/** What is wrong with a relationship table: `nodes` are all node tables of the merged schema. */
export const relationshipTableIssues = (table: RelationshipTable, nodes: NodeTable[], path: string): FieldIssue[] => [
  ...endIssues(table, 'from', nodes, path),
  ...endIssues(table, 'to', nodes, path),
  ...duplicateIssues(table.properties, path),
  ...table.properties.flatMap(({ name }, index) =>
    RESERVED_RELATIONSHIP_PROPERTIES.includes(name.toLowerCase())
      ? [
          {
            path: `${path}.properties.${index}.name`,
            message: `${name} names an end of the relationship in staged files. Choose another name.`,
          },
        ]
      : [],
  ),
];

export type PlacedTable = {
  table: { name: string; properties: readonly { name: string; type: string }[] };
  path: string;
};

/**
 * Properties of one name must have one type in all tables of a kind: a path through tables of which one has an `id`
 * of INT64 and another an `id` of STRING makes the engine read one as the other, which ends its process.
 */
export const sharedTypeIssues = (tables: readonly PlacedTable[]): FieldIssue[] => {
  const first = new Map<string, { table: string; type: string }>();
  const issues: FieldIssue[] = [];
  for (const { table, path } of tables) {
    table.properties.forEach(({ name, type: text }, index) => {
      const type = canonicalType(text);
      const before = first.get(name.toLowerCase());
      if (before === undefined) first.set(name.toLowerCase(), { table: table.name, type });
      // Within one table the name itself is refused.
      else if (before.type !== type && before.table !== table.name)
        issues.push({
          path:
            path.includes('.nodes.') || path.includes('.relationships.') ? `${path}.properties.${index}.type` : path,
          message:
            `${name} of ${table.name} is ${type}, but that of ${before.table} is ${before.type}. Properties of one name ` +
            'have one type in all tables: use it, or another name.',
        });
    });
  }
  return issues;
};

/** A type in its canonical text; what is not a type stays as it is, and is refused elsewhere. */
export const canonicalType = (text: string): string => {
  const type = parsePropertyType(text);
  return type === undefined ? text : propertyTypeText(type);
};

const endIssues = (table: RelationshipTable, end: 'from' | 'to', nodes: NodeTable[], path: string): FieldIssue[] => {
  const wanted = table[end];
  if (nodes.some(({ name }) => name === wanted)) return [];
  const near = nodes.find(({ name }) => sameName(name, wanted));
  const hint = near === undefined ? 'Define it, or extend what defines it.' : `Write ${near.name}.`;
  const where = path.startsWith('schema.relationships.') ? `${path}.${end}` : path;
  return [{ path: where, message: `${table.name} needs the node ${wanted}, which is not in the schema. ${hint}` }];
};

const duplicateIssues = (properties: readonly { name: string }[], path: string): FieldIssue[] =>
  properties.flatMap(({ name }, index) => {
    const before = properties.slice(0, index).find((property) => sameName(property.name, name));
    if (before === undefined) return [];
    const message = `There is already a property ${before.name}; case does not tell names apart.`;
    return [{ path: `${path}.properties.${index}.name`, message }];
  });
