import type { TierRequest } from '../../domain/fleet/tier-move.ts';
import { operationLog } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Ends the operation with success: nothing of the graph is left where it was. */
export const handler = stepFunction('finish-tier-change', StepInput, (environment) => {
  const operations = operationLog(environment);
  return async ({ operationId, graphId }) => {
    const last = await operations.last(operationId);
    const { tier } = (await operations.firstBefore(last)).request as TierRequest;
    await operations.append(
      operationId,
      { type: 'succeeded', message: `Moved to tier "${tier}"`, result: { graphId, tier } },
      last,
    );
  };
});
