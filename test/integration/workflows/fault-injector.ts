import type { Activity } from './activity.ts';
import type { HeldWrite } from './holding-proxy.ts';

/** What can go wrong with the function of a state, for good: every try. */
export const LASTING_FAULTS = ['fails after the work', 'fails before the work', 'never answers'] as const;

/** What a run gets through: the first try fails as something to try again, or a try is doubled. */
export const PASSING_FAULTS = [
  'fails once',
  'runs twice at once',
  'runs again after the next state',
  'runs again after the end',
] as const;
export type Fault =
  | (typeof LASTING_FAULTS)[number]
  | (typeof PASSING_FAULTS)[number]
  | `runs again after ${string}`
  /** Its first try is held up at its first write; no other try does anything. */
  | `is held up until after ${string}`;

export type Invocation = {
  function: string;
  state: string;
  payload: { operationId: string } & Record<string, unknown>;
};

/** A fault at a state, for the executions of one operation. */
export type Injection = { operationId: string; state: string; fault: Fault };

/** Something to do once a state of an operation has run: by its name, `the next state` or `the end`. */
type Late = { operationId: string; from: string; after: string; act: () => Promise<unknown> };

const AGAIN = 'runs again after ';
const HELD_UP = 'is held up until after ';

/** What is tried again is, twice; then the word ends the tries, so that no case does the same work twenty times. */
const TRIES = 3;
const wordOf = (times: number): string => (times % TRIES === 0 ? 'Terminal' : 'Lambda.Unknown');

/** A failure by the word of `name`, as Lambda reports it. */
const failure = (name: string, message: string): Error => Object.assign(new Error(message), { name });

/**
 * Stands where the runner invokes functions. What it makes go wrong is decided by operation and state, so operations do
 * not see each other's faults.
 */
export class FaultInjector {
  /** The states whose functions were invoked, in order, by operation. */
  readonly visited = new Map<string, string[]>();
  readonly #activity: Activity;
  readonly #run: (invocation: Invocation) => Promise<unknown>;
  readonly #holdNextWrite: (mentions: readonly string[]) => HeldWrite;
  readonly #injections: Injection[] = [];
  /** How often each has happened. */
  readonly #happened = new Map<Injection, number>();
  readonly #late: Late[] = [];

  constructor(
    activity: Activity,
    run: (invocation: Invocation) => Promise<unknown>,
    holdNextWrite: (mentions: readonly string[]) => HeldWrite,
  ) {
    this.#activity = activity;
    this.#run = run;
    this.#holdNextWrite = holdNextWrite;
  }

  inject(injection: Injection): Injection {
    this.#injections.push(injection);
    return injection;
  }

  /** Ends all faults of an operation: from here on everything is well. */
  heal(operationId: string): void {
    const others = this.#injections.filter((injection) => injection.operationId !== operationId);
    this.#injections.splice(0, this.#injections.length, ...others);
  }

  happened(injection: Injection): boolean {
    return this.#happened.has(injection);
  }

  /** Does something once a state has run, before the workflow hears of that. */
  afterwards(late: Late): void {
    this.#late.push(late);
  }

  /** Does what was kept for the time after the end. */
  async atTheEnd(operationId: string): Promise<void> {
    await this.#actLate((late) => late.operationId === operationId && late.after === 'the end');
  }

  async invoke(invocation: Invocation): Promise<unknown> {
    const { state, payload } = invocation;
    const { operationId } = payload;
    this.visited.set(operationId, [...(this.visited.get(operationId) ?? []), state]);
    const here = this.#injections.find(
      (injection) => injection.operationId === operationId && injection.state === state,
    );
    if (here?.fault === 'never answers') {
      this.#count(here);
      return new Promise(() => {});
    }
    if (here?.fault.startsWith(HELD_UP) && !this.#happened.has(here)) {
      if (await this.#activity.during(() => this.#holdUp(here, invocation))) return new Promise(() => {});
    }
    return this.#activity.during(async () => {
      try {
        return await (here === undefined ? this.#run(invocation) : this.#runWith(here, invocation));
      } finally {
        await this.#actLate(
          (late) =>
            late.operationId === operationId &&
            (late.after === state || (late.after === 'the next state' && late.from !== state)),
        );
      }
    });
  }

  async #runWith(injection: Injection, invocation: Invocation): Promise<unknown> {
    const times = this.#count(injection);
    const isFirst = times === 1;
    const { fault, operationId, state } = injection;
    switch (fault) {
      case 'fails after the work':
        await this.#run(invocation);
        throw failure(wordOf(times), 'The answer was lost.');
      case 'fails before the work':
        throw failure(wordOf(times), 'The function did not start.');
      case 'fails once':
        if (isFirst) throw failure('Retryable', 'Not now.');
        return this.#run(invocation);
      case 'runs twice at once': {
        const [answer] = await Promise.allSettled([this.#run(invocation), this.#run(invocation)]);
        if (answer.status === 'rejected') throw answer.reason;
        return answer.value;
      }
      default:
        if (fault.startsWith(HELD_UP)) throw failure('Terminal', 'It did not come through.');
        if (isFirst) {
          const act = () => this.#run(invocation);
          this.#late.push({ operationId, from: state, after: fault.slice(AGAIN.length), act });
        }
        return this.#run(invocation);
    }
  }

  /** Begins a run that is held up at its first write. False: it had nothing to write. */
  async #holdUp(injection: Injection, invocation: Invocation): Promise<boolean> {
    const { operationId, state, fault } = injection;
    const { graphId } = invocation.payload;
    const write = this.#holdNextWrite([operationId, ...(typeof graphId === 'string' ? [graphId] : [])]);
    // Nobody hears its answer: often it is a refusal.
    const run = this.#run(invocation).catch(() => undefined);
    const isHeld = await Promise.race([write.held.then(() => true), run.then(() => false)]);
    if (!isHeld) {
      write.release();
      return false;
    }
    this.#count(injection);
    const act = () => {
      write.release();
      return run;
    };
    this.#late.push({ operationId, from: state, after: fault.slice(HELD_UP.length), act });
    return true;
  }

  #count(injection: Injection): number {
    const times = (this.#happened.get(injection) ?? 0) + 1;
    this.#happened.set(injection, times);
    return times;
  }

  async #actLate(isDue: (late: Late) => boolean): Promise<void> {
    const due = this.#late.filter(isDue);
    for (const late of due) this.#late.splice(this.#late.indexOf(late), 1);
    // Nobody hears the answers, and often they are refusals.
    await Promise.allSettled(due.map(({ act }) => act()));
  }
}
