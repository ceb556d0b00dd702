import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** ECS tells of revisions for ever, used or not; here it is the newest of a family. */
const KEPT_REVISIONS = 10;

/** Where a container is asked for its health: by a GET of a path on the first port that it listens on. */
const HealthCheck = z.strictObject({
  command: z.tuple([z.literal('CMD'), z.literal('GET'), z.string().startsWith('/')], {
    error: 'only ["CMD", "GET", <path>] is modelled',
  }),
  // ECS takes whole seconds from 5 and 2; here less is good too, for tests.
  interval: z.number().positive().max(300).default(30),
  timeout: z.number().positive().max(60).default(5),
  retries: z.int().min(1).max(10).default(3),
  startPeriod: z.number().min(0).max(300).default(0),
});
export type HealthCheck = z.output<typeof HealthCheck>;

/** The one container of a task definition, as far as it is looked into; the rest is kept as it came. */
const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  stopTimeout: z.int().min(0).max(120).optional(),
  healthCheck: HealthCheck.optional(),
});

export const TaskDefinition = z.object({
  family: z.string(),
  revision: z.int(),
  arn: z.string(),
  status: z.enum(['ACTIVE', 'INACTIVE']).default('ACTIVE'),
  registeredAt: z.number(),
  deregisteredAt: z.number().optional(),
  container: Container,
  /** The other fields that it was registered with. */
  rest: z.record(z.string(), z.unknown()),
});
export type TaskDefinition = z.infer<typeof TaskDefinition>;

const Deployment = z.object({
  id: z.string(),
  createdAt: z.number(),
  updatedAt: z.number(),
  /** `COMPLETED` from when its task was first healthy, `FAILED` when its circuit breaker has opened. */
  rollout: z.enum(['IN_PROGRESS', 'COMPLETED', 'FAILED']).default('COMPLETED'),
});
export type Deployment = z.infer<typeof Deployment>;

export const Service = z.object({
  cluster: z.string(),
  name: z.string(),
  arn: z.string(),
  status: z.enum(['ACTIVE', 'DRAINING', 'INACTIVE']),
  desiredCount: z.int().min(0).max(1),
  /** ARN of the task definition. */
  taskDefinition: z.string(),
  createdAt: z.number(),
  clientToken: z.string().optional(),
  deployment: Deployment,
  /** Whether a deployment whose tasks keep failing is given up. */
  circuitBreaker: z.boolean().default(false),
  /** What it was created with and only tells again. */
  rest: z.record(z.string(), z.unknown()),
});
export type Service = z.infer<typeof Service>;

const Content = z.object({ taskDefinitions: z.array(TaskDefinition), services: z.array(Service) });

/** Task definitions and services, in one file that is written whole at each change. */
export class StoredState {
  readonly #file: string;
  readonly #content: z.infer<typeof Content>;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#file = join(directory, 'state.json');
    this.#content = read(this.#file);
  }

  get services(): readonly Service[] {
    return this.#content.services;
  }

  service(cluster: string, name: string): Service | undefined {
    return this.#content.services.find((service) => service.cluster === cluster && service.name === name);
  }

  /** Writes a service in place of the one with its name. */
  putService(service: Service): void {
    const at = this.#content.services.findIndex(({ arn }) => arn === service.arn);
    this.#content.services.splice(at === -1 ? this.#content.services.length : at, 1, service);
    this.#write();
  }

  /** The newest revision of a family comes last. */
  revisions(family: string): TaskDefinition[] {
    return this.#content.taskDefinitions.filter((definition) => definition.family === family);
  }

  /** A task definition by `family` (its newest active revision), `family:revision` or ARN. */
  taskDefinition(reference: string): TaskDefinition | undefined {
    const [family = '', revision] = (reference.split('/').at(-1) ?? '').split(':');
    const revisions = this.revisions(family);
    return revision === undefined
      ? revisions.findLast(({ status }) => status === 'ACTIVE')
      : revisions.find((one) => one.revision === Number(revision));
  }

  addTaskDefinition(definition: TaskDefinition): void {
    this.#content.taskDefinitions.push(definition);
    this.#write();
  }

  /** Takes a revision out of use. Old ones of its family that nothing uses are forgotten, so that they do not pile up. */
  deregister(definition: TaskDefinition, at: number): TaskDefinition {
    const inactive: TaskDefinition = { ...definition, status: 'INACTIVE', deregisteredAt: at };
    const { taskDefinitions, services } = this.#content;
    taskDefinitions.splice(taskDefinitions.indexOf(definition), 1, inactive);
    const old = this.revisions(definition.family).slice(0, -KEPT_REVISIONS);
    for (const one of old.filter(({ status }) => status === 'INACTIVE')) {
      if (services.some(({ taskDefinition }) => taskDefinition === one.arn)) continue;
      taskDefinitions.splice(taskDefinitions.indexOf(one), 1);
    }
    this.#write();
    return inactive;
  }

  #write(): void {
    const unfinished = `${this.#file}.new`;
    writeFileSync(unfinished, JSON.stringify(this.#content));
    // A crash leaves the old content or the new one, never a half.
    renameSync(unfinished, this.#file);
  }
}

const read = (file: string): z.infer<typeof Content> => {
  try {
    const { services, taskDefinitions } = Content.parse(JSON.parse(readFileSync(file, 'utf8')));
    // What was on its way out when the runtime ended is out now.
    return { taskDefinitions, services: services.filter(({ status }) => status === 'ACTIVE') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { taskDefinitions: [], services: [] };
    throw error;
  }
};
