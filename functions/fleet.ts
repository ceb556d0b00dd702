import type * as z from 'zod';
import type { FleetEnvironment } from '../contract/environment.ts';
import { KnownCapacity } from '../domain/fleet/capacity.ts';
import { CapacityWait } from '../domain/fleet/capacity-wait.ts';
import { EcsInstanceServices } from '../domain/fleet/ecs-instance-services.ts';
import { Evacuation } from '../domain/fleet/evacuation.ts';
import { Launches } from '../domain/fleet/launches.ts';
import { Retirements } from '../domain/fleet/retirements.ts';
import { FLEET_TIERS, type FleetTier } from '../domain/fleet/tier.ts';
import { operationIdFor } from '../domain/identifier.ts';
import type { InstancePlace } from '../domain/lease/lease-store.ts';
import { FLEET_TENANT } from '../domain/operation/operation.ts';
import { StepFunctionsWaitingTasks } from '../domain/operation/step-functions-waiting-tasks.ts';
import {
  capacityQueue,
  graphMoveStore,
  graphStore,
  instanceLaunchStore,
  instanceRetirementStore,
  instanceStore,
  instanceWaits,
  operationCommands,
  operationLog,
  placementOf,
  tierStore,
} from './dependencies.ts';
import { logger } from './pipeline/logger.ts';
import { refreshLock } from './refreshes.ts';

type HasControlTable = { CONTROL_TABLE_NAME: string };
type HasWorkflows = HasControlTable & { STATE_MACHINE_ARN_PREFIX: string };

export const capacityWait = (environment: HasControlTable) =>
  new CapacityWait({
    queue: capacityQueue(environment),
    placement: placementOf(environment),
    graphs: graphStore(environment),
    moves: graphMoveStore(environment),
    operations: operationLog(environment),
    tasks: new StepFunctionsWaitingTasks(),
  });

const tierStores = (environment: HasControlTable) => ({
  tiers: tierStore(environment),
  instances: instanceStore(environment),
  queue: capacityQueue(environment),
});

export const knownCapacity = (environment: HasControlTable) => new KnownCapacity(tierStores(environment));

export const launches = (environment: HasWorkflows) =>
  new Launches({
    ...tierStores(environment),
    launches: instanceLaunchStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    newOperationId: () => operationIdFor(FLEET_TENANT, undefined),
  });

export const evacuation = (environment: HasControlTable) =>
  new Evacuation({
    instances: instanceStore(environment),
    graphs: graphStore(environment),
    moves: graphMoveStore(environment),
    placement: placementOf(environment),
  });

export const retirements = (environment: HasWorkflows) =>
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

/** Serves a tier's queue after what a step is for is done: serving others does not decide how the step ends. */
export const serveQueue = (environment: HasControlTable) => {
  const capacity = capacityWait(environment);
  return async (tier: FleetTier): Promise<void> => {
    await capacity.serve(tier).catch((error: unknown) => {
      logger.warn('The queue is served by the schedule', { tier, error: error as Error });
    });
  };
};

/** Lets go on what waits for an instance; what is missed here is found by the schedule. */
export const wakeWaiting = (environment: HasControlTable) => {
  const waits = instanceWaits(environment);
  return async (instanceId: string): Promise<void> => {
    await waits.wake(instanceId).catch((error: unknown) => {
      logger.warn('Those that wait for an instance are woken by the schedule', { instanceId, error: error as Error });
    });
  };
};

/** The same for an instance whose gate has been opened, where graphs find places again too. */
export const whenOpened = (environment: HasControlTable) => {
  const wake = wakeWaiting(environment);
  const serve = serveQueue(environment);
  return async ({ instanceId, tier }: InstancePlace): Promise<void> => {
    await wake(instanceId);
    await serve(tier);
  };
};

/** Does scheduled work for every tier; one that fails does not hold up the others. */
export const forEveryTier = async (work: (tier: FleetTier) => Promise<number>) => {
  const outcomes = await Promise.allSettled(FLEET_TIERS.map(work));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') logger.error('Work for a tier failed', { error: outcome.reason as Error });
  }
  return {
    done: outcomes.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0),
    failed: outcomes.filter(({ status }) => status === 'rejected').length,
  };
};
