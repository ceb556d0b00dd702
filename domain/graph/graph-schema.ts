import * as z from 'zod';
import { parsePropertyType } from './property-type.ts';
import { SchemaName } from './schema-name.ts';
import { unsupportedType } from './supported-types.ts';

/** A table is a file region and a catalog entry each: these bounds keep a graph quick to create and to open. */
export const MAX_NODE_TABLES = 100;
export const MAX_RELATIONSHIP_TABLES = 200;
const MAX_PROPERTIES = 200;
const MAX_TYPE_LENGTH = 2_000;

const SEMANTIC_VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

const PropertyTypeText = z
  .string()
  // A longer one is not read at all: reading goes as deep as the type is nested.
  .max(MAX_TYPE_LENGTH, { abort: true })
  .superRefine((text, context) => {
    const type = parsePropertyType(text);
    const reason =
      type === undefined ? `${text} is not a type. Examples: STRING, INT64, DATE[].` : unsupportedType(type);
    if (reason !== undefined) context.addIssue({ code: 'custom', message: reason });
  })
  .meta({
    description: "In the engine's notation: INT64, DECIMAL(18, 3), DATE[], MAP(STRING, INT64), STRUCT(a DATE).",
  });

const RelationshipProperty = z.strictObject({ name: SchemaName, type: PropertyTypeText });

const NodeProperty = RelationshipProperty.extend({
  primaryKey: z.boolean().default(false).meta({ description: 'True for exactly one property of a node.' }),
});

const NodeTable = z.strictObject({
  name: SchemaName,
  properties: z.array(NodeProperty).min(1).max(MAX_PROPERTIES),
});
export type NodeTable = z.infer<typeof NodeTable>;

const RelationshipTable = z.strictObject({
  name: SchemaName,
  from: SchemaName.meta({ description: 'The node table where the relationship starts.' }),
  to: SchemaName.meta({ description: 'The node table where it ends.' }),
  properties: z.array(RelationshipProperty).max(MAX_PROPERTIES).default([]),
});
export type RelationshipTable = z.infer<typeof RelationshipTable>;

/** A schema as a tenant writes it. What it extends and how its parts fit together is for `resolveSchema` to check. */
export const GraphSchemaDefinition = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    version: z.string().max(100).regex(SEMANTIC_VERSION, 'Give a semantic version, for example 1.0.0.'),
    extends: SchemaName.nullable().default(null).meta({ description: 'A named schema to build on, for example base.' }),
    nodes: z.array(NodeTable).max(MAX_NODE_TABLES).default([]),
    relationships: z.array(RelationshipTable).max(MAX_RELATIONSHIP_TABLES).default([]),
  })
  .meta({ id: 'GraphSchema' });
export type GraphSchemaDefinition = z.infer<typeof GraphSchemaDefinition>;

/** A schema with all that it extends merged in, checked, and its types in canonical text: what a graph is built from. */
export const ResolvedSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  extends: z.string().nullable(),
  extensions: z.array(z.string()),
  nodes: z.array(NodeTable),
  relationships: z.array(RelationshipTable),
});
export type ResolvedSchema = z.infer<typeof ResolvedSchema>;
