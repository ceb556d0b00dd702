import type { GraphTier } from '../fleet/tier.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { EntityInput } from './entity.ts';
import type { GraphKind } from './graph-kind.ts';
import type { ResolvedSchema } from './graph-schema.ts';

export const GRAPH_STATUSES = ['provisioning', 'active', 'suspended', 'deleting'] as const;
export type GraphStatus = (typeof GRAPH_STATUSES)[number];

/** A tenant's graph: its schema, where it is served and which snapshot is current, in one item. */
export type Graph = {
  graphId: string;
  tenantId: string;
  /** The graph that this one is a subgraph of, if it is one. */
  parentId: string | null;
  /** The subscription that pays for the graph, when one was bought for it. */
  subscriptionId: string | null;
  kind: GraphKind;
  name: string;
  tier: GraphTier;
  schema: ResolvedSchema;
  /** The row that the graph begins with, if any. */
  entity: EntityInput | null;
  tags: Record<string, string>;
  status: GraphStatus;
  /** The instance that serves the graph. Named before its slot is taken, so that a slot can always be found. */
  placement: string | null;
  snapshot: Snapshot | null;
  /** The one claim that may publish: `<operation>.<n>`. */
  writer: string | null;
  createdBy: string;
  createdAt: string;
};

/** An operation's claim to publish a graph. `holding` counts the times that it held the graph. */
export const writerOf = (operationId: string, holding = 1): string => `${operationId}.${holding}`;

/** Where graphs are kept. Each method is one read or one conditional write on the graph's item. */
export interface GraphStore {
  /** Puts a graph where none is. Returns the graph that is there then: this one, or the one of an earlier run. */
  create(graph: Graph): Promise<Graph>;
  /** Read consistently: steps decide on it. */
  get(graphId: string): Promise<Graph | undefined>;
  /** Oldest first. The index may lag behind. */
  listByTenant(tenantId: string, page: PageRequest): Promise<Page<Graph>>;
  /** Names the instance that is to hold the graph, if it still names `before`. */
  place(graphId: string, before: string | null, instanceId: string): Promise<boolean>;
  /**
   * Moves the snapshot pointer from the version before, if `writer` still has the claim.
   * @returns the snapshot that is current then: this one, or the same version as an earlier try of the same writer
   * published it. Undefined when the claim is lost or another version is current: nothing was published.
   */
  publish(graphId: string, writer: string, snapshot: Snapshot): Promise<Snapshot | undefined>;
  /** Takes back what the creating operation published, when its claim has ended: no run of it publishes any more. */
  withdraw(graphId: string, createdBy: string): Promise<void>;
  /** Makes a published graph usable and ends the claim of the `writer` that made it. False: it is not there to activate. */
  activate(graphId: string, writer: string): Promise<boolean>;
  /** Takes a graph out of use and ends its creating operation's claim: no run of it can publish or activate any more. */
  deactivate(graphId: string, createdBy: string): Promise<void>;
  /** Removes a graph that its creating operation gave up; one that is in use stays. */
  remove(graphId: string, createdBy: string): Promise<void>;
}
