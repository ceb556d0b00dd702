import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** The one container of a task definition, as far as it is looked into; the rest is kept as it came. */
const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  environment: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  stopTimeout: z.int().min(0).max(120).optional(),
});

export const TaskDefinition = z.object({
  family: z.string(),
  revision: z.int(),
  arn: z.string(),
  registeredAt: z.number(),
  container: Container,
  /** The other fields that it was registered with. */
  rest: z.record(z.string(), z.unknown()),
});
export type TaskDefinition = z.infer<typeof TaskDefinition>;

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
  deployment: z.object({ id: z.string(), createdAt: z.number(), updatedAt: z.number() }),
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

  /** A task definition by `family`, `family:revision` or ARN. */
  taskDefinition(reference: string): TaskDefinition | undefined {
    const [family = '', revision] = (reference.split('/').at(-1) ?? '').split(':');
    const revisions = this.revisions(family);
    return revision === undefined ? revisions.at(-1) : revisions.find((one) => one.revision === Number(revision));
  }

  addTaskDefinition(definition: TaskDefinition): void {
    this.#content.taskDefinitions.push(definition);
    this.#write();
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
