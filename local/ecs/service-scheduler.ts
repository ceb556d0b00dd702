import { RestartDelay } from './restart-delay.ts';
import type { Service } from './stored-state.ts';
import type { StopCode, Task } from './task.ts';

/** What a scheduler needs to know and to do. */
export type SchedulerOptions = {
  /** The service as it is now. */
  readonly service: () => Service;
  /** Starts a task of the service as it is now. */
  readonly startTask: () => Task;
  /** Called when a service that is to go has no task left. */
  readonly onDrained: () => void;
};

/** Keeps one service at its desired count, with at most one task at a time: the next starts when the last has ended. */
export class ServiceScheduler {
  readonly #options: SchedulerOptions;
  readonly #delay = new RestartDelay();
  readonly #running: Promise<void>;
  #task: Task | undefined;
  #closing = false;
  #wake: () => void = () => {};
  /** Tasks of the present deployment that ended by themselves. */
  failedTasks = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The task that runs now, or is on its way out. */
  get task(): Task | undefined {
    return this.#task;
  }

  /** The service has changed: a task that is not of its present deployment, or not wanted, is stopped. */
  changed(): void {
    const { deployment, desiredCount } = this.#options.service();
    if (this.#task === undefined || this.#task.service.deployment.id !== deployment.id) {
      this.#delay.reset();
      this.failedTasks = 0;
    }
    if (this.#task !== undefined && (desiredCount === 0 || this.#task.service.deployment.id !== deployment.id)) {
      this.#stopTask('ServiceSchedulerInitiated', `Scaling activity initiated by (deployment ${deployment.id})`);
    }
    this.#wake();
  }

  /** Stops the task, and starts none. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#stopTask('TerminationNotice', 'The runtime is stopping');
    this.#wake();
    await this.#running;
  }

  #stopTask(code: StopCode, reason: string): void {
    this.#task?.stop(code, reason);
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const { status, desiredCount } = this.#options.service();
      if (status === 'DRAINING') {
        this.#options.onDrained();
        return;
      }
      if (desiredCount === 0) await this.#pause();
      else if (this.#delay.milliseconds === 0 || !(await this.#pause(this.#delay.milliseconds))) await this.#runTask();
    }
  }

  async #runTask(): Promise<void> {
    const task = this.#options.startTask();
    this.#task = task;
    await task.ended;
    this.#task = undefined;
    if (!task.failed) {
      this.#delay.reset();
      return;
    }
    this.failedTasks += 1;
    this.#delay.taskEnded((task.stoppedAt ?? 0) - task.createdAt);
  }

  /** Waits until something changes, or for a time; tells whether something changed. */
  async #pause(milliseconds?: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#wake = () => resolve(true);
    const timer = milliseconds === undefined ? undefined : setTimeout(() => resolve(false), milliseconds);
    const changed = await promise;
    clearTimeout(timer);
    return changed;
  }
}
