import { controlTableClient } from '../../domain/aws/control-table-client.ts';
import { DynamoTierStore } from '../../domain/fleet/dynamo-tier-store.ts';
import { EcsInstanceServices } from '../../domain/fleet/ecs-instance-services.ts';
import { keepTierMinimum } from '../../domain/fleet/tier-minimum.ts';
import { scheduledFunction } from '../pipeline/scheduled-function.ts';

/** Launches the instances that a tier lacks. */
export const handler = scheduledFunction('keep-tier-minimum', (environment) => {
  const tiers = new DynamoTierStore(controlTableClient(environment.CONTROL_TABLE_NAME));
  const services = new EcsInstanceServices({
    cluster: environment.ECS_CLUSTER,
    taskDefinitionPrefix: environment.TASK_DEFINITION_PREFIX,
    subnets: environment.SUBNET_IDS.split(','),
    securityGroups: environment.SECURITY_GROUP_IDS.split(','),
  });
  return async () => ({ launched: await keepTierMinimum(tiers, services) });
});
