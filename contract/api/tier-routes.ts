import * as z from 'zod';
import { GRAPH_TIERS } from '../../domain/fleet/tier.ts';
import { defineRoute, plain } from './define-route.ts';
import { GraphPath } from './graphs.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';

const ChangeTier = z.strictObject({ tier: z.enum(GRAPH_TIERS) }).meta({ id: 'ChangeTier' });

export const changeTierRoute = defineRoute({
  ...plain,
  function: 'change-tier',
  method: 'POST',
  path: '/v1/graphs/{graphId}/tier',
  summary: 'Move a graph to another tier; it answers queries all the time',
  scope: 'graphs:write',
  params: GraphPath,
  body: ChangeTier,
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

export const TIER_ROUTES: readonly Route[] = [changeTierRoute];
