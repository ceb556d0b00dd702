import type { GraphRequest } from '../graph/graph-request.ts';
import { resolveSchema } from '../graph/resolve-schema.ts';

/** The repositories that tenants can ask to read. */
export const REPOSITORY_NAMES = ['filings', 'gazetteer'] as const;
export type RepositoryName = (typeof REPOSITORY_NAMES)[number];

/** What the schema of each has besides the base tables. */
const EXTENSIONS: Readonly<Record<RepositoryName, readonly string[]>> = {
  filings: ['documents', 'people'],
  gazetteer: ['places'],
};

/** How much a tenant may read, as credits that its access begins with. */
export const REPOSITORY_PLANS = { reader: 1_000, analyst: 10_000 } as const;
export type RepositoryPlan = keyof typeof REPOSITORY_PLANS;

/** The graph that a repository is: the fleet's own, named as the repository. */
export const repositoryGraph = (name: RepositoryName): GraphRequest => ({
  name,
  kind: 'repository',
  tier: 'shared',
  schema: resolveSchema({ schema: null, extensions: [...EXTENSIONS[name]] }).schema,
  entity: null,
  tags: {},
});

/**
 * Which of a repository's graphs is the current one. They are counted from 1: a graph that could not be created, or that
 * is gone, is followed by the next. Each method is one read or one conditional write on the repository's item.
 */
export interface RepositoryStore {
  attempt(name: RepositoryName): Promise<number>;
  /** Moves on from an attempt, if it is still the current one. */
  moveOn(name: RepositoryName, from: number): Promise<void>;
}
