import { setImmediate } from 'node:timers/promises';

/** What is at work in real time. While anything is, virtual time stands still. */
export class Activity {
  #count = 0;
  #idle = Promise.resolve();
  #becomesIdle = () => {};

  begin(): void {
    this.#count += 1;
    if (this.#count > 1) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = promise;
    this.#becomesIdle = resolve;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#becomesIdle();
  }

  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.begin();
    try {
      return await work();
    } finally {
      this.end();
    }
  }

  /** Resolves when nothing is at work, and nothing follows at once from what was. */
  async settled(): Promise<void> {
    await setImmediate();
    while (this.#count > 0) {
      await this.#idle;
      await setImmediate();
    }
  }
}
