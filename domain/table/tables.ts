import { Refusal } from '../failure.ts';
import { isTerminal } from '../operation/operation.ts';
import type { OperationLog } from '../operation/operation-log.ts';
import {
  claimed,
  type GraphTable,
  hasEnded,
  type Publication,
  published,
  released,
  type TablePart,
  type TableStore,
} from './table.ts';

/** What a publication came to: the table as it is now, and the parts that it has replaced. */
export type Published = { table: GraphTable; removed: readonly TablePart[] };

/**
 * The changes of tables. Each is one conditional write on the table's item, tried again on what is there then, so that
 * a change that is doubled, late or out of order changes nothing.
 */
export class Tables {
  readonly #store: TableStore;
  readonly #operations: Pick<OperationLog, 'find'>;

  constructor(store: TableStore, operations: Pick<OperationLog, 'find'>) {
    this.#store = store;
    this.#operations = operations;
  }

  /**
   * Makes an operation the one that may publish a table. A claim passes on when its operation is over; repeating it is
   * harmless.
   * @throws {Refusal} `conflict` with the operation that holds the table; `operation_over` when this one's claim has ended
   */
  async claim(graphId: string, name: string, operationId: string): Promise<GraphTable> {
    return this.#change(graphId, name, async (table) => {
      if (table.writer === operationId) return table;
      const after = claimed(table, operationId);
      if (after === undefined)
        throw new Refusal('operation_over', `The operation has ended its work on ${name}.`, { operationId });
      await this.refuseWhileHeld(table);
      return after;
    });
  }

  /** @throws {Refusal} `conflict` with the operation that works on the table, if one does */
  async refuseWhileHeld(table: GraphTable): Promise<void> {
    const operationId = await this.holderOf(table);
    if (operationId === null) return;
    throw new Refusal('conflict', `Another operation stages ${table.table}.`, { operationId });
  }

  /** The operation that works on a table, if the one that has its claim is not over. */
  async holderOf({ writer }: GraphTable): Promise<string | null> {
    const holder = writer === null ? undefined : await this.#operations.find(writer);
    return holder === undefined || isTerminal(holder.status) ? null : holder.operationId;
  }

  /**
   * Makes a publication the table's truth and ends the claim, if the operation still has it and the version before is
   * the current one. With that the graph is stale. Repeating it is harmless; what it replaced, only the first run is told.
   * @returns undefined when the claim is lost, or another version is current: nothing was published
   */
  async publish(graphId: string, name: string, publication: Publication, at: string): Promise<Published | undefined> {
    let removed: readonly TablePart[] = [];
    let isPublished = true;
    const table = await this.#change(graphId, name, async (before) => {
      removed = [];
      if (before.ended[publication.operationId]?.version === publication.version) return before;
      const after = published(before, publication, at);
      isPublished = after !== undefined;
      if (after === undefined) return before;
      const kept = new Set(after.parts.map(({ key }) => key));
      removed = before.parts.filter(({ key }) => !kept.has(key));
      return after;
    });
    return isPublished ? { table, removed } : undefined;
  }

  /** Ends an operation's claim for good, also one that it has not made yet. What it published stays. */
  async release(graphId: string, name: string, operationId: string, at: string): Promise<void> {
    await this.#change(graphId, name, async (table) =>
      hasEnded(table, operationId) ? table : released(table, operationId, { version: null, at }),
    );
  }

  /** Ends the claims that an operation has on tables of a graph. What it published stays. */
  async releaseAll(graphId: string, operationId: string, at: string): Promise<void> {
    for (const { table, writer } of await this.#store.list(graphId))
      if (writer === operationId) await this.release(graphId, table, operationId, at);
  }

  /** Takes a table out of those that wait for a snapshot, if `version` is its newest: one was made of it. */
  async settle(graphId: string, name: string, version: number): Promise<void> {
    await this.#change(graphId, name, async (table) =>
      table.version === version && table.unsettledSince !== null ? { ...table, unsettledSince: null } : table,
    );
  }

  async #change(
    graphId: string,
    name: string,
    decide: (table: GraphTable) => Promise<GraphTable>,
  ): Promise<GraphTable> {
    for (;;) {
      const before = await this.#store.get(graphId, name);
      const after = await decide(before);
      if (after === before) return before;
      const written = { ...after, revision: before.revision + 1 };
      if (await this.#store.replace(before, written)) return written;
    }
  }
}
