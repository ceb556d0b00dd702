import { Refusal } from '../failure.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { type Graph, type GraphStore, operationIdOfWriter, writerOf } from './graph.ts';

/** Where the one claim to publish a graph is kept. Each method is one conditional write on the graph's item. */
export interface GraphWriterStore {
  /** Takes the claim for `writer` from `holder`, when it is as it was read: the graph in use and not on the move. */
  claim(graphId: string, holder: string | null, writer: string): Promise<boolean>;
  /** Ends an operation's claim. Repeating it is harmless. */
  release(graphId: string, operationId: string): Promise<void>;
}

/** One operation at a time writes a graph. Its claim ends when it says so, or when it is over; never by a clock. */
export class GraphWriters {
  readonly #store: GraphWriterStore;
  readonly #graphs: GraphStore;
  readonly #log: OperationLog;

  constructor(store: GraphWriterStore, graphs: GraphStore, log: OperationLog) {
    this.#store = store;
    this.#graphs = graphs;
    this.#log = log;
  }

  /**
   * Claims a graph for an operation. Repeating it is harmless.
   * @returns the graph as it is claimed
   * @throws {Refusal} `conflict`, with the id of the operation that writes it; `graph_not_ready` when it is not in use
   */
  async claim(graphId: string, operationId: string): Promise<Graph> {
    for (;;) {
      const graph = await this.#graphs.get(graphId);
      if (graph === undefined) throw new Refusal('not_found', `There is no graph "${graphId}".`);
      const { writer } = graph;
      if (writer !== null && operationIdOfWriter(writer) === operationId) return graph;
      await this.check(graph, operationId);
      await this.#store.claim(graphId, writer, writerOf(operationId));
    }
  }

  /**
   * Looks whether an operation could claim a graph, as it was read.
   * @throws {Refusal} as {@link claim}
   */
  async check({ graphId, writer, status, move }: Graph, operationId: string): Promise<void> {
    if (writer !== null && operationIdOfWriter(writer) === operationId) return;
    if (status !== 'active') throw new Refusal('graph_not_ready', `The graph "${graphId}" is ${status}.`);
    const first = move?.operationId ?? (await this.#stillWriting(writer));
    if (first === undefined) return;
    throw new Refusal('conflict', `"${first}" is at work on the graph "${graphId}".`, { operationId: first });
  }

  /**
   * Moves a graph's pointer to the snapshot that an operation has made, if it has the claim. Repeating it is harmless.
   * @param before what else is published, under the claim. False: it is not the operation's any more
   * @returns the graph as it is published; undefined when it is not, and this operation never will
   */
  async publish(
    graphId: string,
    operationId: string,
    snapshot: Snapshot,
    before: () => Promise<boolean> = async () => true,
  ): Promise<Graph | undefined> {
    const graph = await this.#graphs.get(graphId);
    if (graph === undefined || graph.snapshot?.key === snapshot.key) return graph;
    const { writer } = graph;
    if (writer === null || operationIdOfWriter(writer) !== operationId || !(await before())) return undefined;
    const current = await this.#graphs.publish(graphId, writer, snapshot);
    return current?.key === snapshot.key ? { ...graph, snapshot } : undefined;
  }

  /** The graph without the claim of an operation that is over: it ends a little after its operation, or with who comes next. */
  async withoutPastClaim(graph: Graph): Promise<Graph> {
    return (await this.#stillWriting(graph.writer)) === undefined ? { ...graph, writer: null } : graph;
  }

  /** Ends the claim on a graph in use of an operation that is over and has not ended it itself. Repeating it is harmless. */
  async releasePast(graphId: string): Promise<void> {
    const graph = await this.#graphs.get(graphId);
    const writer = graph?.status === 'active' ? graph.writer : null;
    if (writer === null || (await this.#stillWriting(writer)) !== undefined) return;
    await this.release(graphId, operationIdOfWriter(writer));
  }

  /** Repeating it is harmless. */
  async release(graphId: string, operationId: string): Promise<void> {
    await this.#store.release(graphId, operationId);
  }

  async #stillWriting(writer: string | null): Promise<string | undefined> {
    if (writer === null) return undefined;
    const operationId = operationIdOfWriter(writer);
    const operation = await this.#log.find(operationId);
    return operation !== undefined && isTerminal(operation.status) ? undefined : operationId;
  }
}
