import type { Answer, Cursor, Item, SavedFrame, Variables } from './cursor.ts';
import type { Scope, State } from './definition.ts';
import type { Execution, PendingEvent } from './execution.ts';
import { StateFailure } from './failure.ts';

/** What a frame begins with. */
export interface FrameStart extends SavedFrame {
  execution: Execution;
  path: string;
  scope: Scope;
  /** The variables of the scopes around this one: read here, never assigned. */
  outer: Variables;
  signal: AbortSignal;
}

/** What a commit does to the branches below a frame. */
export interface Branching {
  /** Begin these, in this order. */
  branches?: Omit<SavedFrame, 'lastEventId'>[];
  /** Forget those there are. */
  dropBranches?: boolean;
}

/** What an expression may see besides the state's input and the context. */
export interface Extras {
  result?: unknown;
  errorOutput?: unknown;
  token?: string | undefined;
  item?: Item;
}

/** One line of control: the execution itself, a branch of a Parallel, or an iteration of a Map. */
export class Frame {
  readonly execution: Execution;
  readonly path: string;
  readonly scope: Scope;
  readonly outer: Variables;
  readonly item: Item | undefined;
  readonly signal: AbortSignal;
  /** The last event of this line of control; each event names the one before it. */
  chain: { last: number };
  cursor: Cursor;
  done: { output: unknown } | undefined;
  /** Settles the task that this frame waits for. */
  answered: ((answer: Answer) => void) | undefined;
  #events: PendingEvent[] = [];

  constructor({ execution, path, scope, outer, signal, cursor, item, lastEventId, done }: FrameStart) {
    this.execution = execution;
    this.path = path;
    this.scope = scope;
    this.outer = outer;
    this.signal = signal;
    this.cursor = cursor;
    this.item = item;
    this.chain = { last: lastEventId };
    this.done = done;
    execution.frames.set(path, this);
  }

  get state(): State {
    const state = this.scope.States[this.cursor.state];
    // Loading the machine proved every target; a definition never changes under its execution.
    if (state === undefined) throw new StateFailure('States.Runtime', `There is no state '${this.cursor.state}'.`);
    return state;
  }

  get now(): number {
    return this.execution.surroundings.clock.now();
  }

  get variables(): Variables {
    return { ...this.outer, ...this.cursor.variables };
  }

  /** Adds to the history. On disk with the next commit, or never. */
  record(type: string, details: Record<string, unknown> = {}): void {
    this.#events.push({ type, details, chain: this.chain });
  }

  /** Hands over what is not yet on disk, to who writes it in this frame's place. */
  takeEvents(): PendingEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Writes the history and the position in one step, and with them those of new branches. */
  commit({ branches = [], dropBranches = false }: Branching = {}): void {
    // A frame that was ended from outside has nothing more to say.
    this.signal.throwIfAborted();
    const { row, saved, surroundings } = this.execution;
    const events = this.execution.number(this.takeEvents());
    const lastEventId = this.chain.last;
    const begun = branches.map((branch, n) => ({ path: `${this.path}/${n}`, branch: { ...branch, lastEventId } }));
    surroundings.journal.step(row.id, {
      events,
      frames: [
        { path: this.path, body: this.#body() },
        ...begun.map(({ path, branch }) => ({ path, body: JSON.stringify(branch) })),
      ],
      ...(dropBranches ? { dropBelow: this.path } : {}),
    });
    for (const { path, branch } of begun) saved.set(path, branch);
  }

  /** Takes over the events of a branch that failed, so that they are written with what follows from them. */
  adopt(branch: Frame): void {
    this.#events.push(...branch.takeEvents());
    this.chain = branch.chain;
  }

  /**
   * The value of a field of the state.
   * @param states what `$states` has beyond input and context
   * @throws {StateFailure} States.QueryEvaluationError
   */
  async evaluate(template: unknown, location: string, { token, item, ...states }: Extras = {}): Promise<unknown> {
    const { machine, context } = this.execution;
    const { state, input, enteredAt, retries } = this.cursor;
    const current = item ?? this.item;
    const RetryCount = retries.reduce((sum, count) => sum + (count ?? 0), 0);
    const EnteredTime = new Date(enteredAt ?? this.now).toISOString();
    const bindings = {
      ...this.variables,
      states: {
        input,
        ...states,
        context: {
          ...context,
          State: { Name: state, EnteredTime, RetryCount },
          ...(token === undefined ? {} : { Task: { Token: token } }),
          ...(current === undefined ? {} : { Map: { Item: current } }),
        },
      },
    };
    try {
      return await machine.expressions.evaluate(template, bindings);
    } catch (error) {
      throw this.evaluationFailed(location, error instanceof Error ? error.message : String(error));
    }
  }

  /** Records that a field has no usable value. */
  evaluationFailed(location: string, problem: string): StateFailure {
    const failure = new StateFailure(
      'States.QueryEvaluationError',
      `An error occurred in the state '${this.cursor.state}', field '${location}': ${problem}`,
    );
    const { error, cause } = failure;
    this.record('EvaluationFailed', {
      evaluationFailedEventDetails: { error, cause, location, state: this.cursor.state },
    });
    return failure;
  }

  #body(): string {
    const saved: SavedFrame = {
      cursor: this.cursor,
      item: this.item,
      lastEventId: this.chain.last,
      ...(this.done === undefined ? {} : { done: this.done }),
    };
    return JSON.stringify(saved);
  }
}
