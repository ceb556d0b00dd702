import { DynamoInputTokenStore } from '../../domain/operation/dynamo-input-token-store.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { OperationReconciliation } from '../../domain/operation/operation-reconciliation.ts';
import { OperatorInput } from '../../domain/operation/operator-input.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { StepFunctionsWorkflows } from '../../domain/operation/step-functions-workflows.ts';
import { measure } from '../telemetry/metrics.ts';
import { measuringListener } from '../telemetry/operation-metrics.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasWorkflows } from './environment.ts';

export const operationLog = (environment: HasControlTable) =>
  new OperationLog(new DynamoOperationStore(table(environment)), { listener: measuringListener });
/** Tokens of operations that wait: for an operator's answer, or for operations that they began. */
export const inputTokenStore = (environment: HasControlTable) => new DynamoInputTokenStore(table(environment));
export const operatorInput = (environment: HasControlTable) =>
  new OperatorInput(operationLog(environment), inputTokenStore(environment), new StepFunctionsWaitingTasks());

const workflows = ({ STATE_MACHINE_ARN_PREFIX }: HasWorkflows) => new StepFunctionsWorkflows(STATE_MACHINE_ARN_PREFIX);
export const operationCommands = (environment: HasControlTable & HasWorkflows) =>
  new OperationCommands(operationLog(environment), workflows(environment));
export const operationReconciliation = (environment: HasControlTable & HasWorkflows) =>
  new OperationReconciliation(
    operationLog(environment),
    operationCommands(environment),
    workflows(environment),
    operatorInput(environment),
    { lost: () => measure('ExecutionLost', 1) },
  );
