import { CREDITS_BY_TIER } from '../../domain/billing/plan.ts';
import type { GraphTier } from '../../domain/fleet/tier.ts';
import type { TierRequest } from '../../domain/fleet/tier-move.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { creditStore } from '../wiring/billing.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Gives the graph the credits of its tier, and its subgraphs the tier, and ends the operation with success: nothing of it
 * is left where it was.
 */
export const handler = stepFunction('finish-tier-change', StepInput, (environment) => {
  const operations = operationLog(environment);
  const credits = creditStore(environment);
  const graphs = graphStore(environment);

  const tellSubgraphs = async (graphId: string) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) return;
    await Promise.all(Object.values(graph.subgraphs).map((subgraphId) => graphs.followTier(subgraphId, graph)));
  };

  /** What has been spent stays spent: only the difference of the tiers is given or taken. */
  const followTier = async (tenantId: string, graphId: string, tier: GraphTier, operationId: string) => {
    const pool = await credits.get(tenantId, graphId);
    const amount = pool === undefined ? 0 : CREDITS_BY_TIER[tier] - pool.allocated;
    if (amount !== 0) await credits.allocate(tenantId, graphId, { key: operationId, amount });
  };

  return async ({ operationId, graphId }) => {
    const last = await operations.last(operationId);
    const { tier } = (await operations.firstBefore(last)).request as TierRequest;
    await followTier(last.tenantId, graphId, tier, operationId);
    await tellSubgraphs(graphId);
    await operations.append(
      operationId,
      { type: 'succeeded', message: `Moved to tier "${tier}"`, result: { graphId, tier } },
      last,
    );
  };
});
