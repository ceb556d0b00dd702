import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something that happened to a task's process. */
export type TaskEvent = {
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly service: string;
  /** The task's id. */
  readonly task: string;
  readonly taskArn: string;
  /** `<family>:<revision>` */
  readonly taskDefinition: string;
  /** Digest of the image; null when there is no such image here. */
  readonly image: string | null;
  /** Null: no process was started. */
  readonly pid: number | null;
  /** `stopping`: it is asked to end, by SIGTERM; `killing`: by SIGKILL, because its time for that is over. */
  readonly event: 'started' | 'stopping' | 'killing' | 'stopped';
  /** Of an event `stopped`. Null: no process was started. */
  readonly exitCode?: number | null;
  readonly reason?: string;
};

/** A record of every start and stop that the supervisor's own state has no part in, for tests and for people. */
export class TaskEventLog {
  readonly #file: string;
  readonly #listener: (event: TaskEvent) => void;

  constructor(directory: string, listener: (event: TaskEvent) => void) {
    this.#file = join(directory, 'tasks.jsonl');
    this.#listener = listener;
  }

  add(event: Omit<TaskEvent, 'at'>): void {
    const complete = { at: new Date().toISOString(), ...event };
    // At once, so that a kill -9 of the runtime loses nothing.
    appendFileSync(this.#file, `${JSON.stringify(complete)}\n`);
    this.#listener(complete);
  }
}
