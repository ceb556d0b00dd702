import type * as z from 'zod';
import type { FleetEnvironment } from '../../contract/environment.ts';
import { KnownCapacity } from '../../domain/fleet/capacity.ts';
import { CapacityWait } from '../../domain/fleet/capacity-wait.ts';
import { DynamoCapacityQueue } from '../../domain/fleet/dynamo-capacity-queue.ts';
import { DynamoInstanceLaunchStore } from '../../domain/fleet/dynamo-instance-launch-store.ts';
import { DynamoInstanceRetirementStore } from '../../domain/fleet/dynamo-instance-retirement-store.ts';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import { DynamoTierStore } from '../../domain/fleet/dynamo-tier-store.ts';
import { EcsInstanceServices } from '../../domain/fleet/ecs-instance-services.ts';
import { Evacuation } from '../../domain/fleet/evacuation.ts';
import { Launches } from '../../domain/fleet/launches.ts';
import { Placement } from '../../domain/fleet/placement.ts';
import { Retirements } from '../../domain/fleet/retirements.ts';
import { TierMove } from '../../domain/fleet/tier-move.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { FLEET_TENANT } from '../../domain/operation/operation.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { table } from './control-table.ts';
import type { HasControlTable, HasWorkflows } from './environment.ts';
import { graphMoveStore, graphStore } from './graph.ts';
import { refreshLock } from './lease.ts';
import { operationCommands, operationLog } from './operation.ts';

export const instanceStore = (environment: HasControlTable) => new DynamoInstanceStore(table(environment));
export const instanceLaunchStore = (environment: HasControlTable) => new DynamoInstanceLaunchStore(table(environment));
export const instanceRetirementStore = (environment: HasControlTable) =>
  new DynamoInstanceRetirementStore(table(environment));
export const capacityQueue = (environment: HasControlTable) => new DynamoCapacityQueue(table(environment));
export const tierStore = (environment: HasControlTable) => new DynamoTierStore(table(environment));
const tierStores = (environment: HasControlTable) => ({
  tiers: tierStore(environment),
  instances: instanceStore(environment),
  queue: capacityQueue(environment),
});

export const placementOf = (environment: HasControlTable) =>
  new Placement(instanceStore(environment), graphStore(environment), capacityQueue(environment));
export const capacityWait = (environment: HasControlTable) =>
  new CapacityWait({
    queue: capacityQueue(environment),
    placement: placementOf(environment),
    graphs: graphStore(environment),
    moves: graphMoveStore(environment),
    operations: operationLog(environment),
    tasks: new StepFunctionsWaitingTasks(),
  });
export const knownCapacity = (environment: HasControlTable) => new KnownCapacity(tierStores(environment));

export const tierMove = (environment: HasControlTable) =>
  new TierMove({
    graphs: graphStore(environment),
    moves: graphMoveStore(environment),
    instances: instanceStore(environment),
    queue: capacityQueue(environment),
  });
export const evacuation = (environment: HasControlTable) =>
  new Evacuation({
    instances: instanceStore(environment),
    graphs: graphStore(environment),
    moves: graphMoveStore(environment),
    placement: placementOf(environment),
  });

export const launches = (environment: HasControlTable & HasWorkflows) =>
  new Launches({
    ...tierStores(environment),
    launches: instanceLaunchStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    newOperationId: () => operationIdFor(FLEET_TENANT, undefined),
  });
export const retirements = (environment: HasControlTable & HasWorkflows) =>
  new Retirements({
    ...tierStores(environment),
    retirements: instanceRetirementStore(environment),
    lock: refreshLock(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
  });

export const instanceServices = (environment: z.output<typeof FleetEnvironment>) =>
  new EcsInstanceServices({
    cluster: environment.ECS_CLUSTER,
    taskDefinitionPrefix: environment.TASK_DEFINITION_PREFIX,
    subnets: environment.SUBNET_IDS.split(','),
    securityGroups: environment.SECURITY_GROUP_IDS.split(','),
  });
