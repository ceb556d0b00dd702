import { ulid } from 'ulid';
import { DynamoAuditStore } from '../domain/audit/dynamo-audit-store.ts';
import { type ControlTableClient, controlTableClient } from '../domain/aws/control-table-client.ts';
import { DynamoAccountStore } from '../domain/billing/dynamo-account-store.ts';
import { DynamoCreditDebtStore } from '../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../domain/billing/dynamo-credit-store.ts';
import { DynamoGraphQuota } from '../domain/billing/dynamo-graph-quota.ts';
import { DynamoOrderStore } from '../domain/billing/dynamo-order-store.ts';
import { DynamoReminderStore } from '../domain/billing/dynamo-reminder-store.ts';
import { PaymentGate } from '../domain/billing/payment-gate.ts';
import { DynamoFlagStore } from '../domain/flags/dynamo-flag-store.ts';
import { DynamoCapacityQueue } from '../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceLaunchStore } from '../domain/fleet/dynamo-instance-launch-store.ts';
import { DynamoInstanceRetirementStore } from '../domain/fleet/dynamo-instance-retirement-store.ts';
import { DynamoInstanceStore } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../domain/fleet/dynamo-tier-store.ts';
import { Placement } from '../domain/fleet/placement.ts';
import { TierMove } from '../domain/fleet/tier-move.ts';
import { DynamoDeletionStore } from '../domain/graph/dynamo-deletion-store.ts';
import { DynamoGraphMoveStore } from '../domain/graph/dynamo-graph-move-store.ts';
import { DynamoGraphStore } from '../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../domain/graph/dynamo-graph-writer-store.ts';
import { DynamoSubgraphStore } from '../domain/graph/dynamo-subgraph-store.ts';
import { GraphDeletion } from '../domain/graph/graph-deletion.ts';
import { GraphWriters } from '../domain/graph/graph-writers.ts';
import { SubgraphPlaces } from '../domain/graph/subgraph-places.ts';
import { DynamoInstanceWaitStore } from '../domain/lease/dynamo-instance-wait-store.ts';
import { DynamoLeaseStore } from '../domain/lease/dynamo-lease-store.ts';
import { DynamoWritePauseStore } from '../domain/lease/dynamo-write-pause-store.ts';
import { InstanceWaits } from '../domain/lease/instance-waits.ts';
import { Leases } from '../domain/lease/leases.ts';
import { ManualDrains } from '../domain/lease/manual-drain.ts';
import { PauseGate } from '../domain/lease/write-pause.ts';
import { DynamoLetterStore } from '../domain/letter/dynamo-letter-store.ts';
import { DynamoTenantLimits } from '../domain/limits/dynamo-tenant-limits.ts';
import { DynamoInputTokenStore } from '../domain/operation/dynamo-input-token-store.ts';
import { DynamoOperationStore } from '../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../domain/operation/operation-commands.ts';
import { OperationLog } from '../domain/operation/operation-log.ts';
import { OperationReconciliation } from '../domain/operation/operation-reconciliation.ts';
import { OperatorInput } from '../domain/operation/operator-input.ts';
import { StepFunctionsWaitingTasks } from '../domain/operation/step-functions-waiting-tasks.ts';
import { StepFunctionsWorkflows } from '../domain/operation/step-functions-workflows.ts';
import { DynamoRotationStore } from '../domain/reconciliation/dynamo-rotation-store.ts';
import { LeftoverSweep } from '../domain/reconciliation/leftover-sweep.ts';
import { DynamoRepositoryAccessStore } from '../domain/repository/dynamo-repository-access-store.ts';
import { DynamoRepositoryStore } from '../domain/repository/dynamo-repository-store.ts';
import { SharedRepositories } from '../domain/repository/shared-repositories.ts';
import { DynamoTableStore } from '../domain/table/dynamo-table-store.ts';
import { measure } from './pipeline/metrics.ts';
import { measuringListener } from './pipeline/operation-metrics.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };
type HasWorkflows = { STATE_MACHINE_ARN_PREFIX: string };

let client: ControlTableClient | undefined;
/** One client, and so one connection pool, for all the stores of a function. */
export const table = ({ CONTROL_TABLE_NAME }: HasControlTable): ControlTableClient => {
  client ??= controlTableClient(CONTROL_TABLE_NAME);
  return client;
};

export const operationLog = (environment: HasControlTable) =>
  new OperationLog(new DynamoOperationStore(table(environment)), { listener: measuringListener });
export const graphStore = (environment: HasControlTable) => new DynamoGraphStore(table(environment));
export const tableStore = (environment: HasControlTable) => new DynamoTableStore(table(environment));
export const subgraphStore = (environment: HasControlTable) => new DynamoSubgraphStore(table(environment));
export const subgraphPlaces = (environment: HasControlTable) =>
  new SubgraphPlaces(graphStore(environment), subgraphStore(environment), operationLog(environment));
export const graphDeletion = (environment: HasControlTable) =>
  new GraphDeletion(
    graphStore(environment),
    new DynamoDeletionStore(table(environment)),
    operationLog(environment),
    tableStore(environment),
  );
export const instanceStore = (environment: HasControlTable) => new DynamoInstanceStore(table(environment));
export const instanceLaunchStore = (environment: HasControlTable) => new DynamoInstanceLaunchStore(table(environment));
export const instanceRetirementStore = (environment: HasControlTable) =>
  new DynamoInstanceRetirementStore(table(environment));
export const capacityQueue = (environment: HasControlTable) => new DynamoCapacityQueue(table(environment));
export const placementOf = (environment: HasControlTable) =>
  new Placement(instanceStore(environment), graphStore(environment), capacityQueue(environment));
export const tierStore = (environment: HasControlTable) => new DynamoTierStore(table(environment));
export const auditStore = (environment: HasControlTable) => new DynamoAuditStore(table(environment));
export const tenantLimits = (environment: HasControlTable) => new DynamoTenantLimits(table(environment));
export const operatorInput = (environment: HasControlTable) =>
  new OperatorInput(
    operationLog(environment),
    new DynamoInputTokenStore(table(environment)),
    new StepFunctionsWaitingTasks(),
  );
export const leaseStore = (environment: HasControlTable) => new DynamoLeaseStore(table(environment));
export const leases = (environment: HasControlTable) =>
  new Leases(leaseStore(environment), new StepFunctionsWaitingTasks());
export const manualDrains = (environment: HasControlTable) =>
  new ManualDrains(leaseStore(environment), () => ulid().toLowerCase());
export const writePauses = (environment: HasControlTable) => new DynamoWritePauseStore(table(environment));
let gate: PauseGate | undefined;
/** One for all that run in a process, as what it knows is the same for all. */
export const pauseGate = (environment: HasControlTable) => {
  gate ??= new PauseGate(writePauses(environment));
  return gate;
};
export const instanceWaits = (environment: HasControlTable) =>
  new InstanceWaits({
    waits: new DynamoInstanceWaitStore(table(environment)),
    leases: leaseStore(environment),
    operations: operationLog(environment),
    tasks: new StepFunctionsWaitingTasks(),
  });
export const rotationStore = (environment: HasControlTable) => new DynamoRotationStore(table(environment));

export const graphWriters = (environment: HasControlTable) =>
  new GraphWriters(new DynamoGraphWriterStore(table(environment)), graphStore(environment), operationLog(environment));
export const graphMoveStore = (environment: HasControlTable) => new DynamoGraphMoveStore(table(environment));
export const tierMove = (environment: HasControlTable) =>
  new TierMove({
    graphs: graphStore(environment),
    moves: graphMoveStore(environment),
    instances: instanceStore(environment),
    queue: capacityQueue(environment),
  });

export const accountStore = (environment: HasControlTable) => new DynamoAccountStore(table(environment));
export const creditStore = (environment: HasControlTable) => new DynamoCreditStore(table(environment));
/** Pools of credits, and what pools that are gone had spent. */
export const creditStores = (environment: HasControlTable) => ({
  credits: creditStore(environment),
  debts: new DynamoCreditDebtStore(table(environment)),
});
export const graphQuota = (environment: HasControlTable) => new DynamoGraphQuota(table(environment));
export const orderStore = (environment: HasControlTable) => new DynamoOrderStore(table(environment));
export const reminderStore = (environment: HasControlTable) => new DynamoReminderStore(table(environment));
export const lineageStore = (environment: HasControlTable) => new DynamoLetterStore(table(environment), 'lineage');
export const webhookStore = (environment: HasControlTable) => new DynamoLetterStore(table(environment), 'webhook');
let flags: DynamoFlagStore | undefined;
/** One for all that run in a process: what one of them switches, or has read, the others know. */
export const flagStore = (environment: HasControlTable) => {
  flags ??= new DynamoFlagStore(table(environment));
  return flags;
};
export const paymentGate = (environment: HasControlTable) =>
  new PaymentGate(accountStore(environment), graphQuota(environment), flagStore(environment));

export const leftoverSweep = (environment: HasControlTable) =>
  new LeftoverSweep({
    ...creditStores(environment),
    operations: operationLog(environment),
    graphs: graphStore(environment),
    places: subgraphPlaces(environment),
    instances: instanceStore(environment),
    quota: graphQuota(environment),
    accesses: repositoryAccessStore(environment),
  });

export const repositoryStore = (environment: HasControlTable) => new DynamoRepositoryStore(table(environment));
export const repositoryAccessStore = (environment: HasControlTable) =>
  new DynamoRepositoryAccessStore(table(environment));
export const sharedRepositories = (environment: HasControlTable & HasWorkflows) =>
  new SharedRepositories({
    repositories: repositoryStore(environment),
    graphs: graphStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
  });

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
