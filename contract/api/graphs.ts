import * as z from 'zod';
import { GRAPH_TIERS } from '../../domain/fleet/tier.ts';
import { EntityInput } from '../../domain/graph/entity.ts';
import { GRAPH_STATUSES } from '../../domain/graph/graph.ts';
import { GRAPH_KINDS } from '../../domain/graph/graph-kind.ts';
import { GraphSchemaDefinition } from '../../domain/graph/graph-schema.ts';
import { Cursor, Limit, pageOf, Timestamp } from './common.ts';

const Tags = z.record(z.string().min(1).max(128), z.string().max(256)).meta({ description: 'At most 50 tags.' });

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

export const GraphView = z
  .strictObject({
    graphId: z.string(),
    name: z.string(),
    kind: z.enum(GRAPH_KINDS),
    tier: z.enum(GRAPH_TIERS),
    status: z.enum(GRAPH_STATUSES),
    schema: z.unknown().meta({ description: 'The schema with all that it extends merged in.' }),
    tags: Tags,
    snapshotVersion: z.int().nullable(),
    createdAt: Timestamp,
    links: z.strictObject({ self: z.string(), query: z.string(), operation: z.string() }),
  })
  .meta({ id: 'Graph' });
export type GraphView = z.infer<typeof GraphView>;

export const ListGraphs = z.strictObject({ limit: Limit, cursor: Cursor });
/** A graph in a listing: without its schema, which can be long. */
export const GraphSummary = GraphView.omit({ schema: true }).meta({ id: 'GraphSummary' });
export type GraphSummary = z.infer<typeof GraphSummary>;
export const GraphPage = pageOf('graphs', GraphSummary).meta({ id: 'GraphPage' });
