import { DynamoOperationStore } from '../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../domain/operation/operation-commands.ts';
import { OperationLog } from '../domain/operation/operation-log.ts';
import { OperationReconciliation } from '../domain/operation/operation-reconciliation.ts';
import { operatorInput, table, workflows } from './dependencies.ts';
import { countUndoFailure } from './pipeline/operation-metrics.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };
type HasWorkflows = { STATE_MACHINE_ARN_PREFIX: string };

/** The log for those that may write that an undo failed: it is counted. Others do without the library of metrics. */
export const countedOperationLog = (environment: HasControlTable) =>
  new OperationLog(new DynamoOperationStore(table(environment)), { appended: countUndoFailure });

export const operationReconciliation = (environment: HasControlTable & HasWorkflows) => {
  const log = countedOperationLog(environment);
  const executions = workflows(environment);
  return new OperationReconciliation(
    log,
    new OperationCommands(log, executions),
    executions,
    operatorInput(environment),
  );
};
