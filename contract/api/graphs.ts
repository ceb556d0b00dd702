import * as z from 'zod';
import { FLEET_TIERS, GRAPH_TIERS } from '../../domain/fleet/tier.ts';
import { EntityInput } from '../../domain/graph/entity.ts';
import { GRAPH_STATUSES } from '../../domain/graph/graph.ts';
import { GRAPH_KINDS, STORED_GRAPH_KINDS } from '../../domain/graph/graph-kind.ts';
import { GraphSchemaDefinition, MAX_NODE_TABLES, MAX_RELATIONSHIP_TABLES } from '../../domain/graph/graph-schema.ts';
import { SchemaName } from '../../domain/graph/schema-name.ts';
import { Cursor, Limit, pageOf, Switch, Timestamp } from './common.ts';

const MAX_TAGS = 50;
const Tags = z
  .record(z.string().min(1).max(128), z.string().max(256))
  .refine((tags) => Object.keys(tags).length <= MAX_TAGS, `There are more than ${MAX_TAGS} tags.`)
  .meta({ description: `At most ${MAX_TAGS} tags.`, maxProperties: MAX_TAGS });

export const CreateGraph = z
  .strictObject({
    name: z.string().trim().min(1).max(100),
    kind: z.enum(GRAPH_KINDS).default('generic'),
    tier: z.enum(GRAPH_TIERS).default('standard'),
    schema: GraphSchemaDefinition.nullable()
      .default(null)
      .meta({ description: 'None: the graph has the base schema.' }),
    extensions: z.array(z.string().min(1)).max(10).default([]).meta({ description: 'Named schemas, merged in order.' }),
    entity: EntityInput.nullable().default(null),
    createEntity: z
      .boolean()
      .default(true)
      .meta({ description: 'False: the schema of an entity graph without its entity.' }),
    tags: Tags.default({}),
  })
  .meta({ id: 'CreateGraph' });
export type CreateGraph = z.infer<typeof CreateGraph>;

export const GraphPath = z.strictObject({ graphId: z.string().regex(/^kg[0-9a-z]{1,40}$/) });

export const DeleteGraph = z.strictObject({
  backup: Switch.default(true).meta({ description: 'False: nothing of the graph is kept.' }),
});

const SUBGRAPH_NAME = /^[A-Za-z0-9]{1,20}$/;
export const SubgraphPath = GraphPath.extend({ name: z.string().regex(SUBGRAPH_NAME) });

export const Fork = z
  .strictObject({
    tables: z
      .array(SchemaName)
      .max(MAX_NODE_TABLES + MAX_RELATIONSHIP_TABLES)
      .default([])
      .meta({ description: 'Nodes and relationships by name. Empty: all.' }),
    excludePatterns: z
      .array(z.string().regex(/^[A-Za-z0-9_*]{1,63}$/, 'Use letters, digits, underscores and *.'))
      .max(100)
      .default([])
      .meta({ description: 'Tables whose name matches are left out; `*` is any text.' }),
  })
  .meta({
    id: 'Fork',
    description:
      'What the subgraph begins with of the data of its parent. A relationship without both of its nodes is left out and counted.',
  });

export const CreateSubgraph = z
  .strictObject({
    name: z.string().regex(SUBGRAPH_NAME, 'Use 1 to 20 letters or digits.'),
    fork: Fork.nullable().default(null).meta({ description: 'Null: the subgraph is empty.' }),
    schema: GraphSchemaDefinition.nullable().default(null),
    extensions: CreateGraph.shape.extensions,
  })
  .refine(({ fork, schema, extensions }) => fork === null || (schema === null && extensions.length === 0), {
    path: ['schema'],
    message: "A fork has its parent's schema; leave out one of both.",
  })
  .meta({ id: 'CreateSubgraph', description: "Without a schema and extensions it has its parent's schema." });
export type CreateSubgraph = z.infer<typeof CreateSubgraph>;

const Force = z.boolean().meta({ description: 'True: it is deleted even if there is something in it.' });
const BackupFirst = z.boolean().meta({ description: 'False: nothing of it is kept.' });
/** As a body or, where a client can not send one with DELETE, as a query string, which comes first. */
export const DeleteSubgraph = z
  .strictObject({ force: Force.default(false), backupFirst: BackupFirst.default(true) })
  .meta({ id: 'DeleteSubgraph' });
export const DeleteSubgraphQuery = z.strictObject({ force: Switch.optional(), backupFirst: Switch.optional() });

export const GraphView = z
  .strictObject({
    graphId: z.string(),
    name: z.string(),
    parentId: z.string().nullable().meta({ description: 'The graph that this one is a subgraph of.' }),
    kind: z.enum(STORED_GRAPH_KINDS),
    tier: z.enum(FLEET_TIERS),
    status: z.enum(GRAPH_STATUSES),
    schema: z.unknown().meta({ description: 'The schema with all that it extends merged in.' }),
    tags: Tags,
    subgraphCount: z.int(),
    snapshotVersion: z.int().nullable(),
    createdAt: Timestamp,
    links: z.strictObject({
      self: z.string(),
      query: z.string(),
      operation: z.string().optional(),
      subgraphs: z.string().optional(),
      parent: z.string().optional(),
    }),
  })
  .meta({ id: 'Graph' });
export type GraphView = z.infer<typeof GraphView>;

export const ListGraphs = z.strictObject({ limit: Limit, cursor: Cursor });
/** A graph in a listing: without its schema, which can be long. */
export const GraphSummary = GraphView.omit({ schema: true }).meta({ id: 'GraphSummary' });
export type GraphSummary = z.infer<typeof GraphSummary>;
export const SubgraphList = z.strictObject({ subgraphs: z.array(GraphSummary) }).meta({ id: 'SubgraphList' });
export const GraphPage = pageOf('graphs', GraphSummary).meta({ id: 'GraphPage' });
