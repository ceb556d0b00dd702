import {
  CreateServiceCommand,
  DeleteServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  InvalidParameterException,
  ServiceNotActiveException,
  ServiceNotFoundException,
} from '@aws-sdk/client-ecs';
import type { InstanceServices } from './instance-services.ts';
import type { FleetTier } from './tier.ts';

/** DescribeServices takes ten names a call. */
const NAMES_A_CALL = 10;

type Settings = {
  cluster: string;
  taskDefinitionPrefix: string;
  subnets: readonly string[];
  securityGroups: readonly string[];
};

/** Instances as ECS services. At most one task each: two at once would both think that they are the instance. */
export class EcsInstanceServices implements InstanceServices {
  readonly #settings: Settings;
  readonly #client: ECSClient;

  constructor(settings: Settings, client: ECSClient = new ECSClient({})) {
    this.#settings = settings;
    this.#client = client;
  }

  async existing(instanceIds: readonly string[]): Promise<Set<string>> {
    const existing = new Set<string>();
    for (let at = 0; at < instanceIds.length; at += NAMES_A_CALL) {
      const { services = [] } = await this.#client.send(
        new DescribeServicesCommand({
          cluster: this.#settings.cluster,
          services: instanceIds.slice(at, at + NAMES_A_CALL),
        }),
      );
      for (const { serviceName, status } of services) {
        if (serviceName !== undefined && status !== 'INACTIVE') existing.add(serviceName);
      }
    }
    return existing;
  }

  async create(instanceId: string, tier: FleetTier): Promise<void> {
    const { cluster, taskDefinitionPrefix, subnets, securityGroups } = this.#settings;
    try {
      await this.#client.send(
        new CreateServiceCommand({
          cluster,
          serviceName: instanceId,
          taskDefinition: `${taskDefinitionPrefix}-${tier}`,
          desiredCount: 1,
          launchType: 'FARGATE',
          deploymentConfiguration: { minimumHealthyPercent: 0, maximumPercent: 100 },
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...subnets],
              securityGroups: [...securityGroups],
              assignPublicIp: 'DISABLED',
            },
          },
          propagateTags: 'TASK_DEFINITION',
        }),
      );
    } catch (error) {
      // Another run created it between the look and this call: "Creation of service was not idempotent".
      if (!(error instanceof InvalidParameterException && (await this.existing([instanceId])).has(instanceId)))
        throw error;
    }
  }

  async remove(instanceId: string): Promise<void> {
    const { cluster } = this.#settings;
    try {
      await this.#client.send(new DeleteServiceCommand({ cluster, service: instanceId, force: true }));
    } catch (error) {
      const gone = error instanceof ServiceNotFoundException || error instanceof ServiceNotActiveException;
      if (!gone) throw error;
    }
  }
}
