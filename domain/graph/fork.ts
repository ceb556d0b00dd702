import * as z from 'zod';
import type { FieldIssue } from '../failure.ts';
import type { EventDraft, OperationEvent } from '../operation/operation-event.ts';
import { type SchemaTable, tablesOf } from '../table/schema-table.ts';
import type { ResolvedSchema } from './graph-schema.ts';

/** What a subgraph begins with of its parent's data: these tables, or all, without those that a pattern matches. */
export type ForkRequest = {
  /** Empty: all. */
  tables: readonly string[];
  /** Names of tables, with `*` for any text. */
  excludePatterns: readonly string[];
};

export type ForkPlan = {
  /** Nodes first. */
  tables: readonly SchemaTable[];
  /** Relationships that were asked for and lack a table that one of their ends is in. */
  withoutEnds: readonly SchemaTable[];
};

/** The tables of a schema that a fork names and the schema has not, as issues of the request's body. */
export const unknownTables = (schema: ResolvedSchema, { tables }: ForkRequest): FieldIssue[] => {
  const known = new Set(tablesOf(schema).map(({ name }) => name));
  return tables.flatMap((name, at) =>
    known.has(name) ? [] : [{ path: `fork.tables.${at}`, message: `The graph has no table "${name}".` }],
  );
};

/** The tables of a schema that are named, or all, without those that a pattern matches. */
export const chosenTables = (schema: ResolvedSchema, { tables, excludePatterns }: ForkRequest): SchemaTable[] => {
  const excluded = excludePatterns.map(expressionOf);
  return tablesOf(schema).filter(
    ({ name }) => (tables.length === 0 || tables.includes(name)) && !excluded.some((pattern) => pattern.test(name)),
  );
};

/** Which tables of a parent's schema a fork is to have. */
export const forkPlanOf = (schema: ResolvedSchema, request: ForkRequest): ForkPlan => {
  const asked = chosenTables(schema, request);
  const nodes = new Set(asked.filter(({ kind }) => kind === 'node').map(({ name }) => name));
  const hasEnds = ({ name }: SchemaTable) => {
    const relationship = schema.relationships.find((table) => table.name === name);
    return relationship === undefined || (nodes.has(relationship.from) && nodes.has(relationship.to));
  };
  return { tables: asked.filter(hasEnds), withoutEnds: asked.filter((table) => !hasEnds(table)) };
};

const expressionOf = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replaceAll(/[^A-Za-z0-9_*]/g, String.raw`\$&`).replaceAll('*', '.*')}$`);

/** What a fork came to: of each table that was asked for, the rows that are there and those that are not. */
const Forked = z.object({
  parentVersion: z.int(),
  tables: z.array(
    z.object({ table: z.string(), kind: z.enum(['node', 'relationship']), rows: z.int(), rejected: z.int() }),
  ),
});
export type Forked = z.infer<typeof Forked>;

export const FORK_STEP = 'forkGraph';

/** What the fork of an operation came to, which has published it. */
export const forkedIn = ({ made }: OperationEvent): Forked => Forked.parse(made);

/** How the operation of a fork ends: one that lacks rows that were asked for is no success. */
export const endOfFork = (graphId: string, { parentVersion, tables }: Forked): EventDraft => {
  const sumOf = (rows: readonly number[]) => rows.reduce((sum, count) => sum + count, 0);
  const rows = sumOf(tables.map((table) => table.rows));
  const rejected = sumOf(tables.map((table) => table.rejected));
  const result = { graphId, parentVersion, tables, rows, rejected };
  const message = `Forked with ${rows} rows`;
  return rejected === 0
    ? { type: 'succeeded', message, result }
    : { type: 'partial', message: `${message}; ${rejected} relationships lack a node`, result };
};
