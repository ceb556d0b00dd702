import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthCheck } from './stored-state.ts';

/** While a container starts it is asked as often as this: nobody should wait for an interval to know that it works. */
const START_INTERVAL_SECONDS = 0.2;

/** As ECS tells it; `UNKNOWN` until a check has decided. */
export type Health = 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';

/** Asks one container for its health, by GET, from its start to its end. */
export class HealthMonitor {
  readonly #check: HealthCheck;
  readonly #onChange: (health: Health) => void;
  readonly #startedAt = Date.now();
  readonly #end = new AbortController();
  #early = new AbortController();
  #port: number | undefined;
  #failures = 0;
  health: Health = 'UNKNOWN';

  constructor(check: HealthCheck, onChange: (health: Health) => void) {
    this.#check = check;
    this.#onChange = onChange;
    void this.#run();
  }

  /** The container listens: it is asked at once, where ECS would wait for the interval to be over. */
  listensOn(port: number): void {
    this.#port ??= port;
    this.#early.abort();
  }

  close(): void {
    this.#end.abort();
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      if (!this.#early.signal.aborted) await this.#pause();
      this.#early = new AbortController();
      if (!this.#end.signal.aborted) this.#conclude(await this.#answers());
    }
  }

  async #pause(): Promise<void> {
    const signal = AbortSignal.any([this.#end.signal, this.#early.signal]);
    const seconds = this.#isStarting ? Math.min(START_INTERVAL_SECONDS, this.#check.interval) : this.#check.interval;
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
  }

  /** What it does not answer counts for nothing yet. */
  get #isStarting(): boolean {
    return this.health === 'UNKNOWN' && Date.now() < this.#startedAt + this.#check.startPeriod * 1000;
  }

  async #answers(): Promise<boolean> {
    if (this.#port === undefined) return false;
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(this.#check.timeout * 1000)]);
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}${this.#check.command[2]}`, { signal });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  #conclude(answered: boolean): void {
    if (this.#end.signal.aborted) return;
    if (answered) this.#failures = 0;
    else if (!this.#isStarting) this.#failures += 1;
    const health = answered ? 'HEALTHY' : this.#failures >= this.#check.retries ? 'UNHEALTHY' : this.health;
    if (health === this.health) return;
    this.health = health;
    this.#onChange(health);
  }
}
