import { operationReconciliation, rotationStore } from '../dependencies.ts';
import { measure } from '../pipeline/metrics.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** The same work every run, however many are open; DescribeExecution is allowed 10 times a second. */
const OPERATIONS_A_RUN = 500;

/** Looks after operations whose log and whose execution do not say the same. */
export const handler = scheduledFunction('reconcile-operations', (environment) => {
  const reconciliation = operationReconciliation(environment);
  const rotations = rotationStore(environment);
  return async () => {
    const turn = await reconciliation.takeTurn(rotations, OPERATIONS_A_RUN);
    measure('OperationsWaiting', turn.waiting);
    return turn;
  };
});
