import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { tierMove } from '../wiring/fleet.ts';

/** Undoes SwitchTier and ends the operation's move, so that nothing that is undone after it can come back. */
export const handler = stepFunction('switch-tier-back', StepInput, (environment) => {
  const moves = tierMove(environment);
  return ({ graphId, operationId }) => moves.switchBack(graphId, operationId);
});
