import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { LoadProgress } from '../loading/load-graph.ts';

/** Between two events; each is a write or two, beside the engine's work. */
const INTERVAL_MS = 1_000;
const FROM_PERCENT = 20;
const TO_PERCENT = 80;

/**
 * Tells the log how far a load is: when a table is done, and once a second in between. Nothing waits for it: what comes
 * while an event is being written is told by the next.
 */
export class ProgressEvents {
  readonly #operations: OperationLog;
  readonly #operationId: string;
  readonly #rowsTotal: number;
  readonly #now: () => number;
  readonly #done = new Map<string, number>();
  #toldAt = Number.NEGATIVE_INFINITY;
  #telling: Promise<void> | undefined;

  constructor(operations: OperationLog, operationId: string, rowsTotal: number, now: () => number = Date.now) {
    this.#operations = operations;
    this.#operationId = operationId;
    this.#rowsTotal = rowsTotal;
    this.#now = now;
  }

  /** To be called as often as anybody likes. */
  tell({ table, rowsDone, rowsTotal }: LoadProgress): void {
    this.#done.set(table, rowsDone);
    const isDue = rowsDone === rowsTotal || this.#now() - this.#toldAt >= INTERVAL_MS;
    if (!isDue || this.#telling !== undefined) return;
    this.#toldAt = this.#now();
    this.#telling = this.#append(`${rowsDone} of ${rowsTotal} rows of ${table} loaded`, { table, rowsDone, rowsTotal })
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
    const percent = Math.floor(FROM_PERCENT + share * (TO_PERCENT - FROM_PERCENT));
    const last = await this.#operations.last(this.#operationId);
    // Never behind the event that the end is told by: what follows it is to find it there.
    if (last.status !== 'running' || !last.cancellable) return;
    await this.#operations.appendAfter(last, { type: 'progress', step: 'loadGraph', percent, message, detail });
  }
}
