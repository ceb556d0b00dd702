import { Refusal, Retryable, Terminal } from '../failure.ts';
import { operationIdOfGraph } from '../identifier.ts';
import { isTerminal, type Operation } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { ObjectStore } from '../snapshot/object-store.ts';
import { graphPrefix } from '../snapshot/snapshot.ts';
import { type DeletionRequest, type DeletionStore, deletionBackupPrefix } from './deletion.ts';
import { type Graph, type GraphStore, operationIdOfWriter, writerOf } from './graph.ts';
import { hasStopped } from './graph-move.ts';

/** A deletion that stopped on its way is gone on with by the next one, even when its undo failed. */
const IS_DELETION: readonly Operation['kind'][] = ['graph.delete', 'subgraph.delete'];

/**
 * Deletes graphs with their subgraphs. A deletion claims the graph first, then each subgraph: no subgraph can come any
 * more from then on, and nobody can publish any of them. A claim passes to another deletion when its own is over.
 */
export class GraphDeletion {
  readonly #graphs: GraphStore;
  readonly #claims: DeletionStore;
  readonly #operations: OperationLog;

  constructor(graphs: GraphStore, claims: DeletionStore, operations: OperationLog) {
    this.#graphs = graphs;
    this.#claims = claims;
    this.#operations = operations;
  }

  /**
   * Looks whether a graph and its subgraphs can be deleted now.
   * @throws {Refusal} `conflict` with the operation that holds one of them, `graph_not_ready` while it is provisioning
   */
  async check(graph: Graph, operationId: string): Promise<void> {
    await this.#checkHolder(graph, operationId);
    await this.#checkSubgraphsToCome(graph);
    for (const subgraph of await this.#subgraphsOf(graph)) await this.#checkHolder(subgraph, operationId);
  }

  /**
   * Claims a graph and its subgraphs. Repeating it is harmless.
   * @throws {Refusal} as {@link check}; `not_found`
   * @throws {Retryable} `conflict` when another changes the graph at this moment
   */
  async begin(
    graphId: string,
    operationId: string,
    { emptyVersion, unlessActive }: Pick<DeletionRequest, 'emptyVersion' | 'unlessActive'>,
  ): Promise<void> {
    const graph = await this.#graphs.get(graphId);
    if (graph === undefined) throw new Refusal('not_found', `There is no graph "${graphId}".`);
    if (unlessActive && graph.status === 'active') throw new Refusal('conflict', `"${graphId}" is paid for again.`);
    await this.#claim(graph, operationId, emptyVersion);
    // Read anew: these are all that there will be.
    const [claimed, ...subgraphs] = await this.family(graphId);
    if (claimed !== undefined) await this.#checkSubgraphsToCome(claimed);
    for (const subgraph of subgraphs) await this.#claim(subgraph, operationId, null);
  }

  /** Gives back what {@link begin} claimed. */
  async abandon(graphId: string, operationId: string): Promise<void> {
    // The graph itself comes last: until then it has no other subgraphs.
    for (const member of (await this.family(graphId)).reverse()) {
      await this.#claims.release(member.graphId, writerOf(operationId));
    }
  }

  /** A graph, then its subgraphs; what is gone already is left out. */
  async family(graphId: string): Promise<Graph[]> {
    const graph = await this.#graphs.get(graphId);
    return graph === undefined ? [] : [graph, ...(await this.#subgraphsOf(graph))];
  }

  /**
   * Copies the last snapshots of a graph and its subgraphs to where no deletion reaches.
   * @returns the keys of the backups
   * @throws {Terminal} `internal` when a copy is not the snapshot that was published
   */
  async backUp(graphId: string, operationId: string, objects: ObjectStore): Promise<string[]> {
    const backups: string[] = [];
    for (const { graphId: member, snapshot } of await this.family(graphId)) {
      if (snapshot === null) continue;
      const key = `${deletionBackupPrefix(graphId, operationId)}${member}.lbug`;
      if ((await objects.copy(snapshot.key, key)) !== snapshot.checksum) {
        throw new Terminal('internal', `The backup of "${member}" is not the snapshot that was published.`);
      }
      backups.push(key);
    }
    return backups;
  }

  /**
   * Removes a graph's objects, then its record. The pointer goes first: a deletion that goes on with this one must
   * not look for what is removed.
   */
  async erase(graphId: string, operationId: string, objects: ObjectStore): Promise<void> {
    const writer = writerOf(operationId);
    if ((await this.#graphs.get(graphId))?.writer !== writer) return;
    await this.#claims.forgetSnapshot(graphId, writer);
    for (const key of await objects.list(graphPrefix(graphId))) await objects.remove(key);
    await this.#claims.erase(graphId, writer);
  }

  async #claim(graph: Graph, operationId: string, emptyVersion: number | null): Promise<void> {
    const writer = writerOf(operationId);
    if (graph.writer === writer) return;
    await this.#checkHolder(graph, operationId);
    if (await this.#claims.claim(graph, writer, emptyVersion)) return;
    const now = await this.#graphs.get(graph.graphId);
    if (now?.writer === writer) return;
    if (emptyVersion !== null && now?.snapshot?.version !== emptyVersion) {
      throw new Refusal('conflict', `"${graph.name}" was written to since it was seen to be empty.`);
    }
    throw new Retryable('conflict', `The graph "${graph.graphId}" was changed meanwhile.`);
  }

  async #checkHolder({ graphId, status, writer, move, createdBy }: Graph, operationId: string): Promise<void> {
    if (status === 'provisioning') {
      const message = `The graph "${graphId}" is provisioning; cancel that, or wait for its end.`;
      throw new Refusal('graph_not_ready', message, { operationId: createdBy });
    }
    const mover = move && (await this.#operations.find(move.operationId));
    if (mover && !hasStopped(move, mover)) throw heldBy(graphId, mover);
    if (writer === null || writer === writerOf(operationId)) return;
    const holder = await this.#operations.find(operationIdOfWriter(writer));
    if (holder === undefined || isOver(holder)) return;
    throw heldBy(graphId, holder);
  }

  /** A subgraph has its place before it has its record. */
  async #checkSubgraphsToCome({ graphId, subgraphs }: Graph): Promise<void> {
    for (const subgraphId of Object.values(subgraphs)) {
      const creation = await this.#operations.find(operationIdOfGraph(subgraphId));
      if (creation !== undefined && !isTerminal(creation.status)) throw heldBy(graphId, creation);
    }
  }

  async #subgraphsOf({ subgraphs }: Graph): Promise<Graph[]> {
    const found = await Promise.all(Object.values(subgraphs).map((graphId) => this.#graphs.get(graphId)));
    return found.filter((subgraph) => subgraph !== undefined);
  }
}

/** What another kind of operation could not undo is not deleted from under it: its undo can be tried again. */
const isOver = ({ status, kind }: Operation): boolean =>
  isTerminal(status) && (status !== 'compensation_failed' || IS_DELETION.includes(kind));

const heldBy = (graphId: string, { operationId, status }: Operation): Refusal =>
  new Refusal('conflict', `An operation that is ${status} holds the graph "${graphId}".`, { operationId });
