import type { Clock } from '../../../local/step-functions/clock.ts';

/** A clock that moves only when a test says so. */
export class FakeClock implements Clock {
  #now: number;
  readonly #timers = new Set<{ at: number; wake: () => void }>();

  constructor(now = Date.parse('2026-11-21T09:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  schedule(at: number, wake: () => void): () => void {
    const timer = { at, wake };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next timer is due. */
  get nextAt(): number | undefined {
    return [...this.#timers].map(({ at }) => at).sort((a, b) => a - b)[0];
  }

  /** Moves on, and wakes what has become due on the way, in order. */
  advanceTo(at: number): void {
    for (let next = this.nextAt; next !== undefined && next <= at; next = this.nextAt) {
      this.#now = Math.max(this.#now, next);
      for (const timer of [...this.#timers].filter((due) => due.at <= this.#now)) {
        this.#timers.delete(timer);
        timer.wake();
      }
    }
    this.#now = Math.max(this.#now, at);
  }

  advanceSeconds(seconds: number): void {
    this.advanceTo(this.#now + seconds * 1000);
  }
}
