import type { FieldIssue } from '../failure.ts';
import { BASE_SCHEMAS, EXTENSIONS, type NamedSchema } from './base-schemas.ts';
import {
  type GraphSchemaDefinition,
  MAX_NODE_TABLES,
  MAX_RELATIONSHIP_TABLES,
  type NodeTable,
  type RelationshipTable,
  type ResolvedSchema,
} from './graph-schema.ts';
import { sameName } from './schema-name.ts';
import { canonicalType, nodeTableIssues, relationshipTableIssues, sharedTypeIssues } from './table-rules.ts';

export type SchemaRequest = {
  /** None: the graph has the base schema. */
  schema: GraphSchemaDefinition | null;
  /** Names of extensions, merged in this order between what the schema extends and its own tables. */
  extensions: readonly string[];
};

export type SchemaResolution = {
  /** To be used only when there are no issues. */
  schema: ResolvedSchema;
  /** What is wrong, with paths from the request's root: `schema.relationships.0.to`, `extensions.1`. */
  issues: FieldIssue[];
};

type Part = { tables: NamedSchema; origin: string; pathOf: (kind: 'nodes' | 'relationships', index: number) => string };

/** Merges a schema with what it extends and its extensions, and checks the whole before anything is allocated. */
export const resolveSchema = ({ schema, extensions }: SchemaRequest): SchemaResolution => {
  const issues: FieldIssue[] = [];
  const base = schema === null ? 'base' : schema.extends;
  const parts = [...baseParts(base, issues), ...extensionParts(extensions, issues), ...ownParts(schema)];
  const merged: ResolvedSchema = {
    name: schema?.name ?? 'base',
    version: schema?.version ?? BASE_SCHEMAS['base']?.version ?? '1.0.0',
    extends: base,
    extensions: [...extensions],
    nodes: parts.flatMap(({ tables }) => tables.nodes.map(canonicalNode)),
    relationships: parts.flatMap(({ tables }) => tables.relationships.map(canonicalRelationship)),
  };
  issues.push(
    ...nameIssues(parts),
    ...ruleIssues(parts, merged.nodes),
    ...sharedTypeIssues(placed(parts, 'nodes')),
    ...sharedTypeIssues(placed(parts, 'relationships')),
    ...sizeIssues(merged),
  );
  return { schema: merged, issues };
};

const named = (schemas: Readonly<Record<string, NamedSchema>>, name: string): NamedSchema | undefined =>
  Object.hasOwn(schemas, name) ? schemas[name] : undefined;

const baseParts = (name: string | null, issues: FieldIssue[]): Part[] => {
  if (name === null) return [];
  const tables = named(BASE_SCHEMAS, name);
  const path = 'schema.extends';
  if (tables !== undefined) return [{ tables, origin: `the schema ${name}`, pathOf: () => path }];
  issues.push({ path, message: `There is no schema ${name} to extend. Use ${Object.keys(BASE_SCHEMAS).join(', ')}.` });
  return [];
};

const extensionParts = (names: readonly string[], issues: FieldIssue[]): Part[] =>
  names.flatMap((name, index) => {
    const path = `extensions.${index}`;
    const tables = named(EXTENSIONS, name);
    if (tables !== undefined && names.indexOf(name) === index)
      return [{ tables, origin: `the extension ${name}`, pathOf: () => path }];
    const message =
      tables === undefined
        ? `There is no extension ${name}. Use ${Object.keys(EXTENSIONS).join(', ')}.`
        : `The extension ${name} is already in the list. Name it once.`;
    issues.push({ path, message });
    return [];
  });

const ownParts = (schema: GraphSchemaDefinition | null): Part[] =>
  schema === null
    ? []
    : [{ tables: schema, origin: 'this schema', pathOf: (kind, index) => `schema.${kind}.${index}` }];

/** Tables of both kinds share one set of names. */
const nameIssues = (parts: Part[]): FieldIssue[] => {
  const issues: FieldIssue[] = [];
  const taken: { name: string; origin: string }[] = [];
  for (const { tables, origin, pathOf } of parts) {
    for (const kind of ['nodes', 'relationships'] as const) {
      tables[kind].forEach(({ name }, index) => {
        const before = taken.find((table) => sameName(table.name, name));
        if (before === undefined) taken.push({ name, origin });
        else issues.push({ path: nameIn(pathOf(kind, index)), message: alreadyTaken(name, before, origin) });
      });
    }
  }
  return issues;
};

const nameIn = (path: string): string => (/^schema\.(nodes|relationships)\./.test(path) ? `${path}.name` : path);

const alreadyTaken = (name: string, before: { name: string; origin: string }, origin: string): string => {
  const hint =
    origin === 'this schema' ? 'Give the table another name' : `Leave ${origin} out or rename the other table`;
  return `${name} is already defined as ${before.name} by ${before.origin}. ${hint}; case does not tell names apart.`;
};

const ruleIssues = (parts: Part[], nodes: NodeTable[]): FieldIssue[] =>
  parts.flatMap(({ tables, pathOf }) => [
    ...tables.nodes.flatMap((table, index) => nodeTableIssues(table, pathOf('nodes', index))),
    ...tables.relationships.flatMap((table, index) =>
      relationshipTableIssues(table, nodes, pathOf('relationships', index)),
    ),
  ]);

const placed = (parts: Part[], kind: 'nodes' | 'relationships') =>
  parts.flatMap(({ tables, pathOf }) => tables[kind].map((table, index) => ({ table, path: pathOf(kind, index) })));

const sizeIssues = ({ nodes, relationships }: ResolvedSchema): FieldIssue[] => [
  ...(nodes.length > MAX_NODE_TABLES
    ? [{ path: 'schema.nodes', message: `A graph has at most ${MAX_NODE_TABLES} node tables, extensions included.` }]
    : []),
  ...(relationships.length > MAX_RELATIONSHIP_TABLES
    ? [
        {
          path: 'schema.relationships',
          message: `A graph has at most ${MAX_RELATIONSHIP_TABLES} relationship tables, extensions included.`,
        },
      ]
    : []),
];

const canonicalNode = ({ name, properties }: NodeTable): NodeTable => ({
  name,
  properties: properties.map((property) => ({ ...property, type: canonicalType(property.type) })),
});

const canonicalRelationship = ({ name, from, to, properties }: RelationshipTable): RelationshipTable => ({
  name,
  from,
  to,
  properties: properties.map((property) => ({ ...property, type: canonicalType(property.type) })),
});
