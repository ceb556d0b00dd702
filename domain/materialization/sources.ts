import type * as z from 'zod';
import { type FieldIssue, invalidRequest, Refusal } from '../failure.ts';
import { placedGraph } from '../fleet/host.ts';
import { chosenTables, type ForkRequest } from '../graph/fork.ts';
import { type Graph, type GraphStore, refuseUnlessInUse } from '../graph/graph.ts';
import type { ResolvedSchema } from '../graph/graph-schema.ts';
import { sameName } from '../graph/schema-name.ts';
import { readableBy } from '../repository/readable-graph.ts';
import type { RepositoryAccessStore } from '../repository/repository-access.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { type SchemaTable, tablesOf } from '../table/schema-table.ts';
import { TABLE_LIMITS } from '../table/table-limits.ts';

/** A query that only reads, with its parameters as JSON has them. */
export type SourceQuery = {
  cypher: string;
  parameters: Readonly<Record<string, z.infer<ReturnType<typeof z.json>>>>;
};

/** What tables can be derived from, instead of being staged from files. */
export type MaterializationSource =
  /** The answer's columns are the table's. Null: the graph that is materialized is asked itself. */
  | ({ kind: 'query'; table: string; graphId: string | null } & SourceQuery)
  /** Tables of the same name. */
  | ({ kind: 'snapshot'; graphId: string } & ForkRequest);

/** A table that is to be made of what a graph's snapshot has: of the answer of a query, or of the table of its name. */
export type Derivation = { table: string; graphId: string; query: SourceQuery | null };

/** A graph to derive from, with the snapshot that is read, whatever is published meanwhile. */
export type SourceGraph = Graph & { snapshot: Snapshot };

type Asking = Pick<Graph, 'graphId' | 'schema'>;

/** The graphs that sources are to be found in, each once. */
export const sourceGraphIds = (graphId: string, sources: readonly MaterializationSource[]): string[] => [
  ...new Set(sources.map((source) => source.graphId ?? graphId)),
];

/**
 * The graphs to derive from, with their snapshots as they are now, if the tenant may read them now.
 * @throws {Refusal} as {@link readableBy} and {@link sourceAsOf}
 */
export const findSources = async (
  { graphs, accesses }: { graphs: GraphStore; accesses: Pick<RepositoryAccessStore, 'get'> },
  { graphId, tenantId, tier }: Pick<Graph, 'graphId' | 'tenantId' | 'tier'>,
  sources: readonly MaterializationSource[],
): Promise<Map<string, SourceGraph>> => {
  const found = new Map<string, SourceGraph>();
  for (const id of sourceGraphIds(graphId, sources)) {
    const graph = await readableBy(accesses, tenantId, id, await graphs.get(id));
    found.set(id, await sourceAsOf(graphs, graph, tier));
  }
  return found;
};

/**
 * A graph as an instance of a tier can derive from it.
 * @throws {Refusal} `payment_required`, `graph_not_ready`; `too_large` when its snapshot is more than the instance has room for
 */
export const sourceAsOf = async (graphs: GraphStore, graph: Graph, tier: Graph['tier']): Promise<SourceGraph> => {
  const { graphId, snapshot } = graph;
  refuseUnlessInUse(graph);
  refuseUnlessInUse((await placedGraph(graph, graphs)) ?? graph);
  if (snapshot === null) throw new Refusal('graph_not_ready', `The graph "${graphId}" has no snapshot yet.`);
  const { bytes } = TABLE_LIMITS[tier];
  if (snapshot.bytes <= bytes) return { ...graph, snapshot };
  const message = `The snapshot of "${graphId}" has ${snapshot.bytes} bytes; a graph of this tier takes from ${bytes}.`;
  throw new Refusal('too_large', message);
};

/**
 * What is to be derived, by the schemas of the graphs that it is derived from.
 * @throws {Refusal} `invalid_request`: a table that is not there, does not fit, or is named twice
 */
export const derivationsOf = (
  asking: Asking,
  sources: readonly MaterializationSource[],
  graphs: ReadonlyMap<string, Pick<Graph, 'schema'>>,
): Derivation[] => {
  const own = tablesOf(asking.schema);
  const seen = sources.map((source, at) => {
    const path = `sources.${at}`;
    const graphId = source.graphId ?? asking.graphId;
    if (source.kind === 'query') return ofQuery(own, { ...source, graphId }, path);
    const their = graphs.get(graphId);
    if (their === undefined) throw new TypeError(`The graph "${graphId}" was not looked up.`);
    return ofSnapshot(own, source, their.schema, path);
  });
  const derivations = seen.flatMap((source) => source.derivations);
  const issues = [...seen.flatMap((source) => source.issues), ...namedTwice(seen)];
  if (issues.length > 0) throw invalidRequest(issues);
  return derivations;
};

type Seen = { derivations: Derivation[]; issues: FieldIssue[] };

const ofQuery = (
  own: readonly SchemaTable[],
  { table, graphId, cypher, parameters }: SourceQuery & { table: string; graphId: string },
  path: string,
): Seen =>
  own.some(({ name }) => name === table)
    ? { derivations: [{ table, graphId, query: { cypher, parameters } }], issues: [] }
    : { derivations: [], issues: [{ path: `${path}.table`, message: `The graph has no table "${table}".` }] };

const ofSnapshot = (
  own: readonly SchemaTable[],
  { graphId, ...asked }: ForkRequest & { graphId: string },
  theirs: ResolvedSchema,
  path: string,
): Seen => {
  const known = tablesOf(theirs);
  const lacking = (name: string): string | undefined => {
    const of = known.some((table) => table.name === name) ? undefined : `The graph "${graphId}"`;
    const here = own.some((table) => table.name === name) ? undefined : 'The graph';
    const lacks = of ?? here;
    return lacks && `${lacks} has no table "${name}".`;
  };
  const issues = asked.tables.flatMap((name, at) => {
    const message = lacking(name);
    return message === undefined ? [] : [{ path: `${path}.tables.${at}`, message }];
  });
  const chosen = chosenTables(theirs, asked).flatMap((their) => {
    const our = own.find(({ name }) => name === their.name);
    return our === undefined ? [] : [{ their, our }];
  });
  if (chosen.length === 0 && issues.length === 0)
    issues.push({ path: `${path}.tables`, message: `There is no table that "${graphId}" has as well.` });
  for (const { their, our } of chosen)
    issues.push(...misfits(their, our).map((message) => ({ path: `${path}.tables`, message })));
  return { derivations: chosen.map(({ our }) => ({ table: our.name, graphId, query: null })), issues };
};

/** Why the rows of a table can not be those of another. Types are left to the values. */
const misfits = (their: SchemaTable, our: SchemaTable): string[] => {
  const { name, kind } = our;
  if (their.kind !== kind) return [`${name} is a ${their.kind} there, and a ${kind} here.`];
  const has = ({ columns }: SchemaTable, column: string) => columns.some((other) => sameName(other.name, column));
  return [
    ...their.columns.filter((column) => !has(our, column.name)).map((column) => `${name} has no ${column.name} here.`),
    ...our.columns
      .filter((column) => column.isKey && !has(their, column.name))
      .map((column) => `${name} has no ${column.name} there, which is a key here.`),
  ];
};

const namedTwice = (seen: readonly Seen[]): FieldIssue[] => {
  const tables = seen.flatMap(({ derivations }, at) => derivations.map(({ table }) => ({ table, at })));
  return tables.flatMap(({ table, at }, index) => {
    const first = tables.findIndex((other) => other.table === table);
    return first === index ? [] : [{ path: `sources.${at}`, message: `${table} has a source before this one.` }];
  });
};
