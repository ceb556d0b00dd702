import {
  ClientException,
  DeregisterTaskDefinitionCommand,
  DescribeTaskDefinitionCommand,
  type ECSClient,
  RegisterTaskDefinitionCommand,
  type Tag,
  type TaskDefinition,
} from '@aws-sdk/client-ecs';
import { CAPACITY_PROVIDER_TAG, type FleetTier } from './tier.ts';

const GENERATION = 'INSTANCE_GENERATION';

/** A revision of a task definition, as far as instances go. */
export type Revision = {
  arn: string;
  family: string;
  number: number;
  isActive: boolean;
  /** Name of the container. */
  container: string;
  /** Digest: `sha256:…` */
  image: string;
  generation: number;
  /** Where its tasks are placed; null: on Fargate. */
  capacityProvider: string | null;
  definition: TaskDefinition;
  tags: readonly Tag[];
};

/**
 * The task definitions of instances: a family for each, with a revision for each of its generations. Found by going
 * down from the newest by number, not by a list, because what was just registered may be missing in one.
 */
export class EcsInstanceRevisions {
  readonly #client: ECSClient;
  readonly #prefix: string;

  constructor(client: ECSClient, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  /** What a tier's instances are made from. */
  async template(tier: FleetTier): Promise<Revision> {
    const template = await this.find(`${this.#prefix}-${tier}`);
    if (template === undefined) throw new Error(`There is no task definition for tier "${tier}".`);
    return template;
  }

  /** A revision by ARN or `family:revision`, active or not; the newest active one by family. */
  async find(taskDefinition: string): Promise<Revision | undefined> {
    try {
      const described = await this.#client.send(
        new DescribeTaskDefinitionCommand({ taskDefinition, include: ['TAGS'] }),
      );
      return described.taskDefinition && revisionOf(described.taskDefinition, described.tags);
    } catch (error) {
      // "Unable to describe task definition."
      if (error instanceof ClientException) return undefined;
      throw error;
    }
  }

  /** The active revisions of an instance, newest first. */
  async active(instanceId: string): Promise<Revision[]> {
    const revisions: Revision[] = [];
    let next = await this.find(this.#familyOf(instanceId));
    while (next?.isActive) {
      revisions.push(next);
      next = await this.#below(next);
    }
    return revisions;
  }

  /** The newest revision that is of an earlier generation than a revision. */
  async before(revision: Revision): Promise<Revision | undefined> {
    let earlier = await this.#below(revision);
    while (earlier !== undefined && earlier.generation >= revision.generation) earlier = await this.#below(earlier);
    return earlier;
  }

  /** Registers a revision for an instance that is as another one, but for its image and generation. */
  async register(instanceId: string, from: Revision, image: string, generation: number): Promise<void> {
    const {
      taskDefinitionArn: _arn,
      revision: _revision,
      status: _status,
      requiresAttributes: _attributes,
      compatibilities: _compatibilities,
      registeredAt: _registeredAt,
      registeredBy: _registeredBy,
      deregisteredAt: _deregisteredAt,
      containerDefinitions = [],
      ...definition
    } = from.definition;
    const [container, ...others] = containerDefinitions;
    if (container === undefined) throw new Error(`${from.arn} has no container.`);
    const environment = (container.environment ?? []).filter(({ name }) => name !== GENERATION);
    await this.#client.send(
      new RegisterTaskDefinitionCommand({
        ...definition,
        family: this.#familyOf(instanceId),
        containerDefinitions: [
          {
            ...container,
            image: `${container.image?.split('@')[0]}@${image}`,
            environment: [...environment, { name: GENERATION, value: String(generation) }],
          },
          ...others,
        ],
        ...(from.tags.length > 0 && { tags: [...from.tags] }),
      }),
    );
  }

  /** Takes revisions out of use, oldest first, so that those that are left have no gap. Repeating it is harmless. */
  async retire(revisions: readonly Revision[]): Promise<void> {
    for (const { arn } of revisions.toSorted((left, right) => left.number - right.number)) {
      try {
        await this.#client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: arn }));
      } catch (error) {
        // Another run has done it.
        if (!(error instanceof ClientException) || (await this.find(arn))?.isActive) throw error;
      }
    }
  }

  #below({ family, number }: Revision): Promise<Revision | undefined> {
    return number === 1 ? Promise.resolve(undefined) : this.find(`${family}:${number - 1}`);
  }

  #familyOf(instanceId: string): string {
    return `${this.#prefix}-${instanceId}`;
  }
}

const revisionOf = (definition: TaskDefinition, tags: readonly Tag[] = []): Revision => {
  const { taskDefinitionArn: arn = '', family = '', revision: number = 0, status, containerDefinitions } = definition;
  const { name: container = '', image = '', environment = [] } = containerDefinitions?.[0] ?? {};
  return {
    arn,
    family,
    number,
    isActive: status === 'ACTIVE',
    container,
    image: image.split('@')[1] ?? '',
    generation: Number(environment.find(({ name }) => name === GENERATION)?.value ?? 0),
    capacityProvider: tags.find(({ key }) => key === CAPACITY_PROVIDER_TAG)?.value ?? null,
    definition,
    // Those of AWS itself can not be set.
    tags: tags.filter(({ key }) => !key?.startsWith('aws:')),
  };
};
