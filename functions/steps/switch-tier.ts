import { Refusal } from '../../domain/failure.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { tierMove } from '../wiring/fleet.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Serves the graph at its new place. From there on the work only goes forward, if the log admits that; otherwise the
 * run takes back what it did, because the undo may have looked before.
 * @throws {Refusal} `conflict`, `graph_not_ready`, `operation_over`
 */
export const handler = forwardStep('switch-tier', StepInput, (environment) => {
  const operations = operationLog(environment);
  const moves = tierMove(environment);
  return async ({ operationId, graphId }, last) => {
    await moves.switchOver(graphId, operationId);
    const switched = {
      type: 'progress',
      step: 'switchTier',
      percent: 80,
      message: 'Served on the new tier',
      pointOfNoReturn: true,
    } as const;
    try {
      await operations.append(operationId, switched, last);
    } catch (error) {
      if (error instanceof Refusal) {
        const { cancellable } = await operations.last(operationId);
        await moves.giveUp(graphId, operationId, { evenSwitched: cancellable });
      }
      throw error;
    }
  };
});
