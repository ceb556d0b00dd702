import { type Backup, backupOf, backupPrefix } from '../backup/backup.ts';
import { Refusal, Retryable, Terminal } from '../failure.ts';
import { operationIdOfGraph } from '../identifier.ts';
import { isTerminal, type Operation } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import type { ObjectStore } from '../snapshot/object-store.ts';
import { graphPrefix } from '../snapshot/snapshot.ts';
import type { TableStore } from '../table/table.ts';
import { uploadsPrefix } from '../table/uploads.ts';
import type { DeletionRequest, DeletionStore } from './deletion.ts';
import { type Graph, type GraphStatus, type GraphStore, operationIdOfWriter, writerOf } from './graph.ts';
import { hasStopped } from './graph-move.ts';

/** A deletion that stopped on its way is gone on with by the next one, even when its undo failed. */
const IS_DELETION: readonly Operation['kind'][] = ['graph.delete', 'subgraph.delete'];

/** So much of a graph is removed by one run of a step; what is left, by the next. */
export const ERASED_AT_ONCE = 2_000;
const REMOVED_TOGETHER = 25;

/**
 * Deletes graphs with their subgraphs. A deletion claims the graph first, then each subgraph: no subgraph can come any
 * more from then on, and nobody can publish any of them. A claim passes to another deletion when its own is over.
 */
export class GraphDeletion {
  readonly #graphs: GraphStore;
  readonly #claims: DeletionStore;
  readonly #operations: OperationLog;
  readonly #tables: Pick<TableStore, 'list' | 'erase'>;

  constructor(
    graphs: GraphStore,
    claims: DeletionStore,
    operations: OperationLog,
    tables: Pick<TableStore, 'list' | 'erase'>,
  ) {
    this.#graphs = graphs;
    this.#claims = claims;
    this.#operations = operations;
    this.#tables = tables;
  }

  /**
   * Looks whether a graph and its subgraphs can be deleted now.
   * @throws {Refusal} `conflict` with the operation that holds one of them, `graph_not_ready` while it is provisioning
   */
  async check(graph: Graph, operationId: string): Promise<void> {
    await this.#checkHolder(graph, operationId);
    await this.#checkSubgraphsToCome(graph);
    const subgraphs = await this.#subgraphsOf(graph);
    for (const subgraph of subgraphs) await this.#checkHolder(subgraph, operationId);
    for (const member of [graph, ...subgraphs]) await this.#checkTables(member);
  }

  /**
   * Claims a graph and its subgraphs. Repeating it is harmless.
   * @throws {Refusal} as {@link check}; `not_found`
   * @throws {Retryable} `conflict` when another changes the graph at this moment
   */
  async begin(
    graphId: string,
    operationId: string,
    { emptyVersion }: Pick<DeletionRequest, 'emptyVersion'>,
  ): Promise<void> {
    const graph = await this.#graphs.get(graphId);
    if (graph === undefined) throw new Refusal('not_found', `There is no graph "${graphId}".`);
    await this.#claim(graph, operationId, emptyVersion);
    // Read anew: these are all that there will be.
    const [claimed, ...subgraphs] = await this.family(graphId);
    if (claimed !== undefined) await this.#checkSubgraphsToCome(claimed);
    for (const subgraph of subgraphs) await this.#claim(subgraph, operationId, null);
    // Looked at behind the claims, as a staging looks at its graph behind its own: one of both sees the other.
    for (const member of await this.family(graphId)) await this.#checkTables(member);
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
   * @returns the backups, which are still to be recorded
   * @throws {Terminal} `internal` when a copy is not the snapshot that was published
   */
  async backUp(
    graphId: string,
    maker: Pick<Operation, 'operationId' | 'createdAt'>,
    objects: ObjectStore,
  ): Promise<Backup[]> {
    const backups: Backup[] = [];
    for (const { graphId: member, snapshot } of await this.family(graphId)) {
      if (snapshot === null) continue;
      const key = `${backupPrefix(graphId, maker.operationId)}${member}.lbug`;
      if ((await objects.copy(snapshot.key, key)) !== snapshot.checksum) {
        throw new Terminal('internal', `The backup of "${member}" is not the snapshot that was published.`);
      }
      backups.push(backupOf(member, snapshot, maker, { kind: 'deletion', key }));
    }
    return backups;
  }

  /**
   * Removes a graph's objects, its tables and files, and its record at last. The pointer goes first: a deletion that
   * goes on with this one must not look for what is removed.
   * @throws {Retryable} `conflict` when there was more than is removed at once
   */
  async erase(graphId: string, operationId: string, objects: ObjectStore): Promise<void> {
    const writer = writerOf(operationId);
    if ((await this.#graphs.get(graphId))?.writer !== writer) return;
    await this.#claims.forgetSnapshot(graphId, writer);
    // With a table its claim goes: who comes to publish one finds none.
    let left = ERASED_AT_ONCE - (await this.#tables.erase(graphId, ERASED_AT_ONCE));
    for (const prefix of [graphPrefix(graphId), uploadsPrefix(graphId)]) {
      const keys = await objects.list(prefix, left);
      await removeKeys(objects, keys);
      left -= keys.length;
    }
    if (left === 0) throw new Retryable('conflict', `There is more of "${graphId}" to remove.`);
    await this.#claims.erase(graphId, writer);
  }

  async #claim(graph: Graph, operationId: string, emptyVersion: number | null): Promise<void> {
    const writer = writerOf(operationId);
    if (graph.writer === writer) return;
    await this.#checkHolder(graph, operationId);
    if (await this.#claims.claim(graph, writer, emptyVersion, await this.#statusBefore(graph))) return;
    const now = await this.#graphs.get(graph.graphId);
    if (now?.writer === writer) return;
    if (emptyVersion !== null && now?.snapshot?.version !== emptyVersion) {
      throw new Refusal('conflict', `"${graph.name}" was written to since it was seen to be empty.`);
    }
    throw new Retryable('conflict', `The graph "${graph.graphId}" was changed meanwhile.`);
  }

  /**
   * What a graph is again when the deletion is undone. One that another deletion left is what it was before that; but
   * once that was past its point of no return there may be nothing to go back to: it stays `deleting`, for the next.
   */
  async #statusBefore({ status, statusBefore, writer }: Graph): Promise<GraphStatus> {
    if (status !== 'deleting') return status;
    const holder = writer === null ? undefined : operationIdOfWriter(writer);
    const known = holder !== undefined && (await this.#operations.find(holder)) !== undefined;
    return known && (await this.#operations.last(holder)).cancellable ? (statusBefore ?? status) : status;
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

  /** What stages a table would leave rows where nothing names them any more. */
  async #checkTables({ graphId }: Graph): Promise<void> {
    for (const { writer } of await this.#tables.list(graphId)) {
      const holder = writer === null ? undefined : await this.#operations.find(writer);
      if (holder !== undefined && !isTerminal(holder.status)) throw heldBy(graphId, holder);
    }
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

const removeKeys = async (objects: ObjectStore, keys: readonly string[]): Promise<void> => {
  for (let from = 0; from < keys.length; from += REMOVED_TOGETHER) {
    await Promise.all(keys.slice(from, from + REMOVED_TOGETHER).map((key) => objects.remove(key)));
  }
};

/** What another kind of operation could not undo is not deleted from under it: its undo can be tried again. */
const isOver = ({ status, kind }: Operation): boolean =>
  isTerminal(status) && (status !== 'compensation_failed' || IS_DELETION.includes(kind));

const heldBy = (graphId: string, { operationId, status }: Operation): Refusal =>
  new Refusal('conflict', `An operation that is ${status} holds the graph "${graphId}".`, { operationId });
