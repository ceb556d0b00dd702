import type { Task } from './task.ts';

/** ECS tells of stopped tasks for at least an hour; here it is the newest of them. */
const STOPPED_TASKS = 200;

/** The tasks that there are, and the last of those that there were. */
export class TaskList {
  readonly #tasks = new Map<string, Task>();

  add(task: Task): void {
    this.#tasks.set(task.id, task);
    const stopped = this.all().filter(({ lastStatus }) => lastStatus === 'STOPPED');
    for (const { id } of stopped.slice(0, Math.max(0, stopped.length - STOPPED_TASKS))) this.#tasks.delete(id);
  }

  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** Oldest first. */
  all(): Task[] {
    return [...this.#tasks.values()];
  }
}
