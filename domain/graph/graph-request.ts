import type { FleetTier } from '../fleet/tier.ts';
import { graphIdFor } from '../identifier.ts';
import type { AcceptedEvent } from '../operation/operation-event.ts';
import type { EntityInput } from './entity.ts';
import type { ForkRequest } from './fork.ts';
import { type Graph, writerOf } from './graph.ts';
import type { GraphKind } from './graph-kind.ts';
import type { ResolvedSchema } from './graph-schema.ts';

/** A graph as its tenant asked for it, with its schema merged and checked. */
export type GraphRequest = {
  name: string;
  kind: GraphKind;
  tier: FleetTier;
  schema: ResolvedSchema;
  entity: EntityInput | null;
  tags: Record<string, string>;
  /** Set when it is to be a subgraph. */
  parentId?: string;
  /** Set when it is to begin with its parent's data. */
  fork?: ForkRequest;
  /** Set when a subscription pays for just this graph. */
  subscriptionId?: string;
  /** How many graphs the tenant could have when this was accepted. Unset: nobody asked. */
  maxGraphs?: number;
};

/** The graph that an operation asks for, before anything of it exists. */
export const graphRequestedBy = ({ operationId, tenantId, createdAt, request }: AcceptedEvent): Graph => ({
  ...asAGraph(request as GraphRequest),
  graphId: graphIdFor(operationId),
  tenantId,
  parentId: (request as GraphRequest).parentId ?? null,
  subscriptionId: (request as GraphRequest).subscriptionId ?? null,
  status: 'provisioning',
  statusBefore: null,
  subgraphs: {},
  placement: null,
  slotHolder: operationId,
  snapshot: null,
  writer: writerOf(operationId),
  move: null,
  createdBy: operationId,
  createdAt,
});

const asAGraph = ({ maxGraphs: _maxGraphs, fork: _fork, ...graph }: GraphRequest) => graph;
