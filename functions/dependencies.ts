import { type ControlTableClient, controlTableClient } from '../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../domain/graph/dynamo-graph-store.ts';
import { DynamoOperationStore } from '../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../domain/operation/operation-commands.ts';
import { OperationLog } from '../domain/operation/operation-log.ts';
import { StepFunctionsWorkflows } from '../domain/operation/step-functions-workflows.ts';
import { DynamoRotationStore } from '../domain/reconciliation/dynamo-rotation-store.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };
type HasWorkflows = { STATE_MACHINE_ARN_PREFIX: string };

let client: ControlTableClient | undefined;
/** One client, and so one connection pool, for all the stores of a function. */
const table = ({ CONTROL_TABLE_NAME }: HasControlTable): ControlTableClient => {
  client ??= controlTableClient(CONTROL_TABLE_NAME);
  return client;
};

export const operationLog = (environment: HasControlTable) =>
  new OperationLog(new DynamoOperationStore(table(environment)));
export const graphStore = (environment: HasControlTable) => new DynamoGraphStore(table(environment));
export const instanceStore = (environment: HasControlTable) => new DynamoInstanceStore(table(environment));
export const rotationStore = (environment: HasControlTable) => new DynamoRotationStore(table(environment));

export const workflows = ({ STATE_MACHINE_ARN_PREFIX }: HasWorkflows) =>
  new StepFunctionsWorkflows(STATE_MACHINE_ARN_PREFIX);
export const operationCommands = (environment: HasControlTable & HasWorkflows) =>
  new OperationCommands(operationLog(environment), workflows(environment));
