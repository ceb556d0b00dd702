import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { measure } from '../telemetry/metrics.ts';
import { operationReconciliation } from '../wiring/operation.ts';
import { rotationStore } from '../wiring/reconciliation.ts';

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
