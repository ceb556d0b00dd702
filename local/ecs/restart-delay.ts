/** A task that ends sooner than this after its start has failed to start. */
const STARTED_MS = 10_000;
const SHORTEST_MS = 100;
const LONGEST_MS = 5_000;

/** How long a service waits before it starts its next task: not at all, unless its tasks keep failing to start. */
export class RestartDelay {
  #failures = 0;

  /** A task has ended by itself. */
  taskEnded(ranMs: number): void {
    this.#failures = ranMs < STARTED_MS ? this.#failures + 1 : 0;
  }

  /** What comes now is something else than what failed. */
  reset(): void {
    this.#failures = 0;
  }

  get milliseconds(): number {
    return this.#failures <= 1 ? 0 : Math.min(LONGEST_MS, SHORTEST_MS * 2 ** (this.#failures - 2));
  }
}
