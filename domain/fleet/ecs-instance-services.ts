import {
  ClientException,
  CreateServiceCommand,
  DeleteServiceCommand,
  type DeploymentConfiguration,
  DescribeServicesCommand,
  DescribeTasksCommand,
  type DesiredStatus,
  ECSClient,
  InvalidParameterException,
  ListTasksCommand,
  type Service,
  ServiceNotActiveException,
  ServiceNotFoundException,
  type Task,
  UpdateServiceCommand,
  UpdateTaskProtectionCommand,
} from '@aws-sdk/client-ecs';
import { Terminal } from '../failure.ts';
import { EcsInstanceRevisions, type Revision } from './ecs-instance-revisions.ts';
import type {
  Deployment,
  InstanceService,
  InstanceServices,
  ServiceTask,
  WantedInstance,
} from './instance-services.ts';
import type { FleetTier } from './tier.ts';

/** DescribeServices takes ten names a call. */
const NAMES_A_CALL = 10;

/**
 * At most one task: two at once would both think that they are the instance. ECS gives up a task that keeps failing, but
 * does not go back by itself: that would start an earlier generation behind the back of the workflow that owns the cycle.
 */
const DEPLOYMENT: DeploymentConfiguration = {
  minimumHealthyPercent: 0,
  maximumPercent: 100,
  deploymentCircuitBreaker: { enable: true, rollback: false },
};

const ROLLOUTS = { COMPLETED: 'completed', FAILED: 'failed', IN_PROGRESS: 'in_progress' } as const;

type Settings = {
  cluster: string;
  taskDefinitionPrefix: string;
  subnets: readonly string[];
  securityGroups: readonly string[];
};

/** What a new generation is to be as, but for its number. */
type Model = { revision: Revision; image: string };

/** Instances as ECS services. */
export class EcsInstanceServices implements InstanceServices {
  readonly #settings: Settings;
  readonly #client: ECSClient;
  readonly #revisions: EcsInstanceRevisions;

  constructor(settings: Settings, client: ECSClient = new ECSClient({})) {
    this.#settings = settings;
    this.#client = client;
    this.#revisions = new EcsInstanceRevisions(client, settings.taskDefinitionPrefix);
  }

  async existing(instanceIds: readonly string[]): Promise<Set<string>> {
    const existing = new Set<string>();
    for (let at = 0; at < instanceIds.length; at += NAMES_A_CALL) {
      for (const { serviceName } of await this.#services(instanceIds.slice(at, at + NAMES_A_CALL))) {
        if (serviceName !== undefined) existing.add(serviceName);
      }
    }
    return existing;
  }

  async create(instanceId: string, { tier, image, generation }: WantedInstance): Promise<void> {
    if ((await this.existing([instanceId])).has(instanceId)) return;
    const isWanted = (revision: Revision) => revision.generation === generation && revision.image === image;
    // What else is active is left over from an instance that had the name before.
    const leftOver = (await this.#revisions.active(instanceId)).filter((revision) => !isWanted(revision));
    await this.#revisions.retire(leftOver);
    if (!(await this.#revisions.active(instanceId)).some(isWanted)) {
      await this.#revisions.register(instanceId, await this.#revisions.template(tier), image, generation);
    }
    const [revision] = await this.#revisions.active(instanceId);
    if (revision === undefined) throw new Error(`The task definition of "${instanceId}" was taken out of use.`);
    await this.#createService(instanceId, revision);
  }

  async replace(instanceId: string, { tier, image, generation }: WantedInstance): Promise<Deployment> {
    return this.#deploy(instanceId, generation, async ({ generation: present, image: has }) => {
      if (present === generation && has !== image) {
        throw new Terminal('conflict', `Generation ${generation} of "${instanceId}" has the image ${has}.`);
      }
      return { revision: await this.#revisions.template(tier), image };
    });
  }

  async rollBack(instanceId: string, { generation }: Pick<WantedInstance, 'generation'>): Promise<Deployment> {
    return this.#deploy(instanceId, generation, async (present) => {
      const revision = present.generation === generation ? present : await this.#revisions.before(present);
      if (revision === undefined) throw new Terminal('not_found', `"${instanceId}" had no earlier task definition.`);
      return { revision, image: revision.image };
    });
  }

  async describe(instanceId: string): Promise<InstanceService | undefined> {
    const [service] = await this.#services([instanceId]);
    if (service === undefined) return undefined;
    const [present, running, stopped] = await Promise.all([
      this.#presentRevision(service),
      this.#tasks(instanceId, 'RUNNING'),
      this.#tasks(instanceId, 'STOPPED'),
    ]);
    const primary = service.deployments?.find(({ status }) => status === 'PRIMARY');
    const last = stopped.toSorted((left, right) => Number(right.stoppedAt ?? 0) - Number(left.stoppedAt ?? 0));
    return {
      image: present.image,
      generation: present.generation,
      rollout: ROLLOUTS[primary?.rolloutState ?? 'IN_PROGRESS'],
      rolloutReason: primary?.rolloutStateReason ?? null,
      failedTasks: primary?.failedTasks ?? 0,
      // A task that was asked to stop is listed with the stopped ones before it is one.
      task: taskOf(running[0] ?? stopped.find(({ lastStatus }) => lastStatus !== 'STOPPED'), present),
      stoppedTask: taskOf(
        last.find(({ lastStatus }) => lastStatus === 'STOPPED'),
        present,
      ),
    };
  }

  async templateImage(tier: FleetTier): Promise<string> {
    return (await this.#revisions.template(tier)).image;
  }

  async remove(instanceId: string): Promise<void> {
    const { cluster } = this.#settings;
    try {
      await this.#client.send(new DeleteServiceCommand({ cluster, service: instanceId, force: true }));
    } catch (error) {
      const gone = error instanceof ServiceNotFoundException || error instanceof ServiceNotActiveException;
      if (!gone) throw error;
    }
    await this.#revisions.retire(await this.#revisions.active(instanceId));
  }

  /**
   * Deploys a generation, unless the service has it already, or a later one. The service's own task definition decides,
   * so that a call that comes late or twice finds nothing to do. One that was held up between that look and its update
   * is stopped by ECS itself, which takes no revision that was taken out of use; for up to ten minutes ECS may take it
   * still, so whoever has updated looks whether a later one is there, and gives way to it.
   */
  async #deploy(
    instanceId: string,
    generation: number,
    modelOf: (present: Revision) => Promise<Model>,
  ): Promise<Deployment> {
    const present = await this.#present(instanceId);
    if (present.generation > generation) return 'superseded';
    const model = await modelOf(present);
    if (present.generation < generation) {
      const revision = await this.#revisionOf(instanceId, generation, model);
      if (revision === undefined || !(await this.#update(instanceId, revision, present))) return 'superseded';
      const [newest = revision] = await this.#revisions.active(instanceId);
      if (newest.generation > generation) {
        await this.#update(instanceId, newest, revision);
        return 'superseded';
      }
    }
    await this.#unprotectEarlier(instanceId, generation);
    const earlier = (await this.#revisions.active(instanceId)).filter((revision) => revision.generation < generation);
    await this.#revisions.retire(earlier);
    return 'deployed';
  }

  /**
   * The revision for a generation; registered, if there is none. Of two that were registered at once it is the first, for
   * whoever asks, because a service that is updated to what it has already starts no task.
   * @returns undefined when there is one for a later generation
   */
  async #revisionOf(instanceId: string, generation: number, model: Model): Promise<Revision | undefined> {
    const ofGeneration = async () =>
      (await this.#revisions.active(instanceId)).filter((one) => one.generation >= generation);
    if ((await ofGeneration()).length === 0) {
      await this.#revisions.register(instanceId, model.revision, model.image, generation);
    }
    const found = await ofGeneration();
    return found.some((revision) => revision.generation > generation) ? undefined : found.at(-1);
  }

  /** False when a later generation came first. */
  async #update(instanceId: string, revision: Revision, present: Revision): Promise<boolean> {
    const { arn, generation } = revision;
    try {
      await this.#client.send(
        new UpdateServiceCommand({
          cluster: this.#settings.cluster,
          service: instanceId,
          taskDefinition: arn,
          deploymentConfiguration: DEPLOYMENT,
          availabilityZoneRebalancing: 'DISABLED',
          // Only then: a deployment that is forced starts a task each time that it is asked for.
          ...(revision.capacityProvider !== present.capacityProvider && {
            capacityProviderStrategy: [{ capacityProvider: revision.capacityProvider ?? 'FARGATE', weight: 1 }],
            forceNewDeployment: true,
          }),
        }),
      );
      return true;
    } catch (error) {
      const isInactive = error instanceof ClientException || error instanceof InvalidParameterException;
      if (isInactive && (await this.#present(instanceId)).generation > generation) return false;
      throw error;
    }
  }

  /** A task that is protected would hold up the deployment, and whoever deploys may stop it. */
  async #unprotectEarlier(instanceId: string, generation: number): Promise<void> {
    const tasks = await this.#tasks(instanceId, 'RUNNING');
    const revisions = await Promise.all(
      tasks.map(({ taskDefinitionArn = '' }) => this.#revisions.find(taskDefinitionArn)),
    );
    const earlier = tasks.filter((_task, at) => (revisions[at]?.generation ?? generation) < generation);
    if (earlier.length === 0) return;
    await this.#client.send(
      new UpdateTaskProtectionCommand({
        cluster: this.#settings.cluster,
        tasks: earlier.map(({ taskArn = '' }) => taskArn),
        protectionEnabled: false,
      }),
    );
  }

  async #createService(serviceName: string, { arn, capacityProvider }: Revision): Promise<void> {
    const { cluster, subnets, securityGroups } = this.#settings;
    try {
      await this.#client.send(
        new CreateServiceCommand({
          cluster,
          serviceName,
          taskDefinition: arn,
          desiredCount: 1,
          ...(capacityProvider === null
            ? { launchType: 'FARGATE' }
            : { capacityProviderStrategy: [{ capacityProvider, weight: 1 }] }),
          deploymentConfiguration: DEPLOYMENT,
          // Moving a task from zone to zone would cycle an instance, whatever it does.
          availabilityZoneRebalancing: 'DISABLED',
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...subnets],
              securityGroups: [...securityGroups],
              assignPublicIp: 'DISABLED',
            },
          },
        }),
      );
    } catch (error) {
      // Another run created it between the look and this call: "Creation of service was not idempotent".
      const isThere =
        error instanceof InvalidParameterException && (await this.existing([serviceName])).has(serviceName);
      if (!isThere) throw error;
    }
  }

  /** Those that exist, or are still going away. */
  async #services(services: readonly string[]): Promise<Service[]> {
    const { cluster } = this.#settings;
    const described = await this.#client.send(new DescribeServicesCommand({ cluster, services: [...services] }));
    return (described.services ?? []).filter(({ status }) => status !== 'INACTIVE');
  }

  async #present(instanceId: string): Promise<Revision> {
    const [service] = await this.#services([instanceId]);
    if (service?.status !== 'ACTIVE') throw new Terminal('not_found', `"${instanceId}" has no service.`);
    return this.#presentRevision(service);
  }

  async #presentRevision({ taskDefinition = '' }: Service): Promise<Revision> {
    const revision = await this.#revisions.find(taskDefinition);
    if (revision === undefined) throw new Error(`There is no task definition "${taskDefinition}".`);
    return revision;
  }

  async #tasks(serviceName: string, desiredStatus: DesiredStatus): Promise<Task[]> {
    const { cluster } = this.#settings;
    const { taskArns = [] } = await this.#client.send(new ListTasksCommand({ cluster, serviceName, desiredStatus }));
    if (taskArns.length === 0) return [];
    return (await this.#client.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks ?? [];
  }
}

const taskOf = (task: Task | undefined, present: Revision): ServiceTask | null =>
  task === undefined
    ? null
    : {
        taskArn: task.taskArn ?? '',
        status: task.lastStatus ?? '',
        health: task.healthStatus ?? 'UNKNOWN',
        isPresent: task.taskDefinitionArn === present.arn,
        stoppedReason: task.stoppedReason ?? null,
        // AWS may put containers of its own beside it.
        exitCode: task.containers?.find(({ name }) => name === present.container)?.exitCode ?? null,
      };
