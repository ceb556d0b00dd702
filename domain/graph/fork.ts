import * as z from 'zod';
import { type FieldIssue, Refusal } from '../failure.ts';
import type { EventDraft, OperationEvent } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
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

/** Which tables of a parent's schema a fork is to have. */
export const forkPlanOf = (schema: ResolvedSchema, { tables, excludePatterns }: ForkRequest): ForkPlan => {
  const excluded = excludePatterns.map(expressionOf);
  const asked = tablesOf(schema).filter(
    ({ name }) => (tables.length === 0 || tables.includes(name)) && !excluded.some((pattern) => pattern.test(name)),
  );
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
/** A fork tells few events; the one that tells what it came to is among the first. */
const EVENTS_READ = 50;

/** What the fork of an operation came to, as its log has it. */
export const forkedBy = async (operations: OperationLog, { operationId }: OperationEvent): Promise<Forked> => {
  const told = (await operations.events(operationId, 0, EVENTS_READ)).find(({ step }) => step === FORK_STEP);
  if (told === undefined) throw new Refusal('not_found', 'The log does not tell what was forked.');
  return Forked.parse(told.detail);
};

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
