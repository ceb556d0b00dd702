import { Refusal } from '../failure.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { EntityInput } from './entity.ts';
import type { GraphKind } from './graph-kind.ts';
import type { GraphMove, GraphPlace } from './graph-place.ts';
import type { ResolvedSchema } from './graph-schema.ts';

export const GRAPH_STATUSES = ['provisioning', 'active', 'suspended', 'deleting'] as const;
export type GraphStatus = (typeof GRAPH_STATUSES)[number];

/** A tenant's graph: its schema, where it is served and which snapshot is current, in one item. */
export type Graph = GraphPlace & {
  graphId: string;
  tenantId: string;
  /** The graph that this one is a subgraph of, if it is one. */
  parentId: string | null;
  /** The subscription that pays for the graph, when one was bought for it. Null: the account as a whole does. */
  subscriptionId: string | null;
  kind: GraphKind;
  name: string;
  schema: ResolvedSchema;
  /** The row that the graph begins with, if any. */
  entity: EntityInput | null;
  tags: Record<string, string>;
  status: GraphStatus;
  /** What the graph was before it was `deleting`: a delete that is undone makes it so again. */
  statusBefore: GraphStatus | null;
  /** The ids of its subgraphs, by their names. A name is here before its graph is, and until it is gone. */
  subgraphs: Readonly<Record<string, string>>;
  snapshot: Snapshot | null;
  /** The one claim that may publish: `<operation>.<n>`. */
  writer: string | null;
  /** The move to another tier that is under way, if one is. Only one at a time. */
  move: GraphMove | null;
  createdBy: string;
  createdAt: string;
};

/** A graph that is being created. */
export type ProvisioningGraph = Pick<Graph, 'graphId' | 'createdBy'>;

/** A graph as far as it matters to whoever pays for it. */
export type PaidGraph = Pick<Graph, 'graphId' | 'status' | 'subscriptionId'>;

/** Why a graph can not be used now, if it can not: one that nobody pays for, and one that is not ready. */
export const refusalToUse = ({ graphId, status }: Pick<Graph, 'graphId' | 'status'>): Refusal | undefined => {
  if (status === 'active') return undefined;
  return status === 'suspended'
    ? new Refusal('payment_required', `The graph "${graphId}" is suspended, with all it holds, until it is paid for.`)
    : new Refusal('graph_not_ready', `The graph "${graphId}" is ${status}; follow its operation and ask again.`);
};

/** @throws {Refusal} as {@link refusalToUse} */
export const refuseUnlessInUse = (graph: Pick<Graph, 'graphId' | 'status'>): void => {
  const refusal = refusalToUse(graph);
  if (refusal !== undefined) throw refusal;
};

/** The subgraph that has a name in its parent. Names are tenants' words, and every object has a `constructor`. */
export const subgraphIdOf = ({ subgraphs }: Pick<Graph, 'subgraphs'>, name: string): string | undefined =>
  Object.hasOwn(subgraphs, name) ? subgraphs[name] : undefined;

/** An operation's claim to publish a graph. `holding` counts the times that it held the graph. */
export const writerOf = (operationId: string, holding = 1): string => `${operationId}.${holding}`;

/** The operation that a claim belongs to. */
export const operationIdOfWriter = (writer: string): string => writer.split('.')[0] ?? writer;

/** Where graphs are kept. Each method is one read or one conditional write on the graph's item. */
export interface GraphStore {
  /** Puts a graph where none is. Returns the graph that is there then: this one, or the one of an earlier run. */
  create(graph: Graph): Promise<Graph>;
  /** Read consistently: steps decide on it. */
  get(graphId: string): Promise<Graph | undefined>;
  /** Those that are no subgraphs, oldest first. The index may lag behind. */
  listByTenant(tenantId: string, page: PageRequest): Promise<Page<Graph>>;
  /** The graphs that are being created, of all tenants. The index may lag behind. */
  listProvisioning(page: PageRequest): Promise<Page<ProvisioningGraph>>;
  /** As {@link listByTenant}, of each only what tells who pays for it, and whether it is in use. */
  listPayers(tenantId: string, page: PageRequest): Promise<Page<PaidGraph>>;
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
  /**
   * Makes a published graph usable and ends the claim of the `writer` that made it. Repeating it is harmless, even once
   * the graph is suspended. False: it is not there to activate.
   */
  activate(graphId: string, writer: string): Promise<boolean>;
  /** Takes a graph out of use and ends its creating operation's claim: no run of it can publish or activate any more. */
  deactivate(graphId: string, createdBy: string): Promise<void>;
  /**
   * Takes a graph out of use, or back into it, because of the standing of what pays for it that `mark` belongs to; a
   * newer one has the last word, however late an older one comes. Repeating it is harmless.
   * @returns false when the graph is neither active nor suspended, or follows a newer standing
   */
  followStanding(graphId: string, status: 'active' | 'suspended', mark: string): Promise<boolean>;
  /** Records the tier of a subgraph's parent as its own. Repeating it is harmless. */
  followTier(graphId: string, parent: Pick<Graph, 'graphId' | 'tier'>): Promise<void>;
  /** Removes a graph that its creating operation gave up; one that is in use stays. */
  remove(graphId: string, createdBy: string): Promise<void>;
}
