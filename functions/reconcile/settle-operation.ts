import { ExecutionOver } from '../../contract/execution-over.ts';
import { operationIdOfExecution } from '../../domain/operation/workflows.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';
import { operationReconciliation } from '../wiring/operation.ts';

/** Looks after an operation as soon as an execution of it is over; `reconcile-operations` finds what this misses. */
export const handler = scheduledFunction('settle-operation', (environment) => {
  const reconciliation = operationReconciliation(environment);
  return async (event) => {
    const { detail } = ExecutionOver.parse(event);
    return { driven: Number(await reconciliation.settle(operationIdOfExecution(detail.name))) };
  };
});
