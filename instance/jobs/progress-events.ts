import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { LoadProgress } from '../loading/load-graph.ts';

/** Between two events; each costs some 3 ms beside the engine's work. */
const INTERVAL_MS = 1_000;
/** Before one that tells of the end of a table: so many small tables cost not more than a hundredth of their time either. */
const INTERVAL_OF_TABLES_MS = 300;

/** A part of an operation in which rows go by: what happens to them, and the percents of the operation that it is. */
export type Passage = { step: string; rowsAre: string; fromPercent: number; toPercent: number };

/**
 * Tells the log how far such a part is: when a table is done, and once a second in between. Nothing waits for it: what comes
 * too soon, or while an event is being written, is told by the next.
 */
export class ProgressEvents {
  readonly #operations: OperationLog;
  readonly #operationId: string;
  readonly #passage: Passage;
  readonly #rowsTotal: number;
  readonly #now: () => number;
  readonly #done = new Map<string, number>();
  #toldAt = Number.NEGATIVE_INFINITY;
  #told: string | undefined;
  #telling: Promise<void> | undefined;

  constructor(
    operations: OperationLog,
    operationId: string,
    passage: Passage,
    rowsTotal: number,
    now: () => number = Date.now,
  ) {
    this.#operations = operations;
    this.#operationId = operationId;
    this.#passage = passage;
    this.#rowsTotal = rowsTotal;
    this.#now = now;
  }

  /** Does work that tells how far it is. Nothing of that goes on when it is over. */
  async during<Result>(work: (onProgress: (progress: LoadProgress) => void) => Promise<Result>): Promise<Result> {
    try {
      return await work((progress) => this.tell(progress));
    } finally {
      await this.settled();
    }
  }

  /** To be called as often as anybody likes. */
  tell({ table, rowsDone, rowsTotal }: LoadProgress): void {
    this.#done.set(table, rowsDone);
    const interval = rowsDone === rowsTotal ? INTERVAL_OF_TABLES_MS : INTERVAL_MS;
    if (this.#now() - this.#toldAt < interval || this.#telling !== undefined) return;
    const message = `${rowsDone} of ${rowsTotal} rows of ${table} ${this.#passage.rowsAre}`;
    if (message === this.#told) return;
    this.#toldAt = this.#now();
    this.#told = message;
    this.#telling = this.#append(message, { table, rowsDone, rowsTotal })
      // What can not be told now is told by the next, or by the end.
      .catch(() => undefined)
      .finally(() => {
        this.#telling = undefined;
      });
  }

  /** Resolves when nothing of it goes on any more. */
  async settled(): Promise<void> {
    await this.#telling;
  }

  async #append(message: string, detail: LoadProgress): Promise<void> {
    const share = Math.min(1, [...this.#done.values()].reduce((sum, rows) => sum + rows, 0) / (this.#rowsTotal || 1));
    const { step, fromPercent, toPercent } = this.#passage;
    const percent = Math.floor(fromPercent + share * (toPercent - fromPercent));
    const last = await this.#operations.last(this.#operationId);
    // What is committed, or given up, is not told to be under way any more.
    if (last.status !== 'running' || !last.cancellable) return;
    await this.#operations.appendAfter(last, { type: 'progress', step, percent, message, detail });
  }
}
