/** A place to run a query in. */
export type Slot = { release(): void };

/** How many queries run at once; the others wait their turn, first come first served. */
export class QuerySlots {
  #free: number;
  readonly #waiting: ((slot: Slot) => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /** @returns nothing when no slot came free in time */
  async take(timeoutMs: number): Promise<Slot | undefined> {
    if (this.#free > 0) {
      this.#free -= 1;
      return this.#slot();
    }
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        resolve(undefined);
      }, timeoutMs);
      const grant = (slot: Slot): void => {
        clearTimeout(timer);
        resolve(slot);
      };
      this.#waiting.push(grant);
    });
  }

  #slot(): Slot {
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free += 1;
        else next(this.#slot());
      },
    };
  }
}
