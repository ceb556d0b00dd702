import * as z from 'zod';

/** The engine takes seconds for a list that is nested ten deep, and minutes for a hundred. */
const DEEPEST_PARAMETER = 5;

const depthOf = (value: unknown): number =>
  value !== null && typeof value === 'object' ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

const Parameter = z.json().refine((value) => depthOf(value) <= DEEPEST_PARAMETER, {
  message: `Lists and maps can be nested ${DEEPEST_PARAMETER} deep.`,
});

export const QueryGraph = z
  .strictObject({
    cypher: z.string().trim().min(1).max(50_000),
    parameters: z
      .record(z.string(), Parameter)
      .default({})
      .meta({ description: `Values by name; lists and maps nested ${DEEPEST_PARAMETER} deep at most.` }),
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
