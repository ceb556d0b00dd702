/** The cluster of a request that names none. */
export const DEFAULT_CLUSTER = 'default';

/** The names that ECS gives to things. */
export class Names {
  readonly #prefix: string;

  constructor(region: string, accountId: string) {
    this.#prefix = `arn:aws:ecs:${region}:${accountId}:`;
  }

  cluster(cluster: string): string {
    return `${this.#prefix}cluster/${cluster}`;
  }

  service(cluster: string, name: string): string {
    return `${this.#prefix}service/${cluster}/${name}`;
  }

  task(cluster: string, id: string): string {
    return `${this.#prefix}task/${cluster}/${id}`;
  }

  taskDefinition(family: string, revision: number): string {
    return `${this.#prefix}task-definition/${family}:${revision}`;
  }
}

/** The last part of an ARN, or the name itself: the API takes either. */
export const nameIn = (nameOrArn: string): string => nameOrArn.split('/').at(-1) ?? nameOrArn;
