import type { Clock } from './clock.ts';
import type { Answer, Cursor, SavedFrame } from './cursor.ts';
import type { EventRow, ExecutionRow, Journal } from './journal.ts';
import type { Machine } from './load-machine.ts';

/** Everything an execution needs of its surroundings. */
export interface Surroundings {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  readonly region: string;
}

/** An event before it has a number. Each branch has its own chain of events, so the one before it is known by branch. */
export interface PendingEvent {
  readonly type: string;
  readonly details: Record<string, unknown>;
  readonly chain: { last: number };
}

/** A branch that may be waiting for a token. */
export interface Waiting {
  readonly cursor: Cursor;
  readonly signal: AbortSignal;
  /** Tells the waiting task its answer. */
  readonly answered: ((answer: Answer) => void) | undefined;
  commit(): void;
}

/** An execution that is under way in this process. */
export class Execution {
  readonly row: ExecutionRow;
  readonly machine: Machine;
  readonly surroundings: Surroundings;
  /** Aborted when the execution ends before its time, or the runner closes. */
  readonly abort = new AbortController();
  /** Resolves when the execution has ended. */
  readonly ended = Promise.withResolvers<void>();
  /** The branches that run now, by path. */
  readonly frames = new Map<string, Waiting>();
  /** Where the branches were when the process before this one died. */
  readonly saved = new Map<string, SavedFrame>();
  /** The parts of the context object that never change. */
  readonly context: Readonly<Record<string, unknown>>;
  #lastEventId: number;

  constructor(row: ExecutionRow, machine: Machine, surroundings: Surroundings) {
    this.row = row;
    this.machine = machine;
    this.surroundings = surroundings;
    this.#lastEventId = surroundings.journal.events(row.id, 1, true)[0]?.id ?? 0;
    for (const { path, body } of surroundings.journal.frames(row.id)) this.saved.set(path, JSON.parse(body));
    this.context = {
      Execution: {
        Id: row.arn,
        Input: JSON.parse(row.input),
        Name: row.name,
        RoleArn: row.roleArn,
        StartTime: new Date(row.startedAt).toISOString(),
        RedriveCount: 0,
      },
      StateMachine: { Id: row.machine, Name: this.machineName },
    };
  }

  get machineName(): string {
    return this.row.machine.slice(this.row.machine.lastIndexOf(':') + 1);
  }

  /** Numbers events, in the order in which they reach the disk. */
  number(events: readonly PendingEvent[]): EventRow[] {
    const timestamp = this.surroundings.clock.now() / 1000;
    return events.map(({ type, details, chain }) => {
      this.#lastEventId += 1;
      const id = this.#lastEventId;
      const body = JSON.stringify({ timestamp, type, id, previousEventId: chain.last, ...details });
      chain.last = id;
      return { id, body };
    });
  }
}
