import type { GraphTier } from '../fleet/tier.ts';
import { graphIdFor } from '../identifier.ts';
import type { AcceptedEvent } from '../operation/operation-event.ts';
import type { EntityInput } from './entity.ts';
import { type Graph, writerOf } from './graph.ts';
import type { GraphKind } from './graph-kind.ts';
import type { ResolvedSchema } from './graph-schema.ts';

/** A graph as its tenant asked for it, with its schema merged and checked. */
export type GraphRequest = {
  name: string;
  kind: GraphKind;
  tier: GraphTier;
  schema: ResolvedSchema;
  entity: EntityInput | null;
  tags: Record<string, string>;
  /** Set when a subscription pays for just this graph. */
  subscriptionId?: string;
};

/** The graph that an operation asks for, before anything of it exists. */
export const graphRequestedBy = ({ operationId, tenantId, createdAt, request }: AcceptedEvent): Graph => ({
  ...(request as GraphRequest),
  graphId: graphIdFor(operationId),
  tenantId,
  parentId: null,
  subscriptionId: (request as GraphRequest).subscriptionId ?? null,
  status: 'provisioning',
  placement: null,
  snapshot: null,
  writer: writerOf(operationId),
  createdBy: operationId,
  createdAt,
});
