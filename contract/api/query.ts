import * as z from 'zod';

export const QueryGraph = z
  .strictObject({
    cypher: z.string().trim().min(1).max(50_000),
    parameters: z.record(z.string(), z.json()).default({}),
    limit: z.int().min(1).max(100_000).default(1_000),
    timeoutMs: z.int().min(1).max(60_000).default(30_000),
  })
  .meta({ id: 'QueryGraph' });
export type QueryGraph = z.infer<typeof QueryGraph>;

export const QueryResult = z
  .strictObject({
    columns: z.array(z.string()),
    types: z.array(z.string()).meta({ description: "The engine's type of each column: how to read its values." }),
    rows: z.array(z.array(z.json())),
    rowCount: z.int(),
    truncated: z.boolean(),
    durationMs: z.number(),
    snapshotVersion: z.int(),
  })
  .meta({ id: 'QueryResult' });
