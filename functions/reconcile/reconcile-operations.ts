import { OperationReconciliation } from '../../domain/operation/operation-reconciliation.ts';
import { operationCommands, operationLog, rotationStore, workflows } from '../dependencies.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** The same work every run, however many are open. */
const OPERATIONS_A_RUN = 50;

/** Looks after operations whose log and whose execution do not say the same. */
export const handler = scheduledFunction('reconcile-operations', (environment) => {
  const reconciliation = new OperationReconciliation(
    operationLog(environment),
    operationCommands(environment),
    workflows(environment),
  );
  return () => reconciliation.takeTurn(rotationStore(environment), OPERATIONS_A_RUN);
});
