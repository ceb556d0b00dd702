import { Retryable, Terminal } from '../failure.ts';
import type { Graph, GraphStore } from '../graph/graph.ts';
import { graphIdFor, operationIdFor } from '../identifier.ts';
import { FLEET_TENANT, isTerminal, type Operation } from '../operation/operation.ts';
import type { OperationCommands } from '../operation/operation-commands.ts';
import { CONTROL_PLANE } from '../operation/operation-event.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import { type RepositoryName, type RepositoryStore, repositoryGraph } from './repository.ts';

type Dependencies = {
  repositories: RepositoryStore;
  graphs: GraphStore;
  operations: OperationLog;
  commands: OperationCommands;
};

/**
 * The repositories' graphs. Each is created when the first tenant asks for it, by an operation of the fleet's own whose
 * id is derived from the repository: however many ask at once, it is one operation and one graph.
 */
export class SharedRepositories {
  readonly #repositories: RepositoryStore;
  readonly #graphs: GraphStore;
  readonly #operations: OperationLog;
  readonly #commands: OperationCommands;

  constructor({ repositories, graphs, operations, commands }: Dependencies) {
    this.#repositories = repositories;
    this.#graphs = graphs;
    this.#operations = operations;
    this.#commands = commands;
  }

  /**
   * The repository's graph, active. When there is none, its creation is begun; repeating it waits for that.
   * @param askedAt when the asking operation was accepted: a creation that failed since then has failed it too, and
   * one that failed before is followed by another
   * @throws {Retryable} `graph_not_ready` while it is being created
   * @throws {Terminal} with what the creation failed of
   */
  async ensure(name: RepositoryName, askedAt: string): Promise<Graph> {
    const attempt = await this.#repositories.attempt(name);
    const operationId = creationOf(name, attempt);
    const graphId = graphIdFor(operationId);
    const graph = await this.#graphs.get(graphId);
    if (graph?.status === 'active') return graph;
    const creation = await this.#operations.find(operationId);
    if (creation !== undefined && isTerminal(creation.status)) {
      if (graph === undefined || creation.status !== 'succeeded') {
        if (creation.status !== 'succeeded' && creation.createdAt >= askedAt) throw failureOf(name, creation);
        await this.#repositories.moveOn(name, attempt);
      }
    } else if (creation === undefined || creation.status === 'accepted') {
      await this.#commands.accept({
        operationId,
        kind: 'graph.create',
        tenantId: FLEET_TENANT,
        graphId,
        actor: CONTROL_PLANE,
        request: repositoryGraph(name),
      });
    }
    throw new Retryable('graph_not_ready', `The repository "${name}" is being prepared.`, { delaySeconds: 5 });
  }
}

/** The operation that creates a repository's graph. */
const creationOf = (name: RepositoryName, attempt: number): string =>
  operationIdFor(FLEET_TENANT, `repository/${name}/${attempt}`);

/** The graph that a repository is now, or is to be. */
export const currentGraphId = async (repositories: RepositoryStore, name: RepositoryName): Promise<string> =>
  graphIdFor(creationOf(name, await repositories.attempt(name)));

const failureOf = (name: RepositoryName, { status, error }: Operation): Terminal =>
  new Terminal(error?.code ?? 'unavailable', `The repository "${name}" could not be prepared (${status}).`);
