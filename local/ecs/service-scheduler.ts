import { RestartDelay } from './restart-delay.ts';
import type { Deployment, Service } from './stored-state.ts';
import type { StopCode, Task } from './task.ts';

/** ECS gives up a deployment of one task after three that failed. */
const BREAKER_THRESHOLD = 3;
/** The longest time that a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a scheduler needs to know and to do. */
export type SchedulerOptions = {
  /** The service as it is now. */
  readonly service: () => Service;
  /** Starts a task of the service as it is now. */
  readonly startTask: () => Task;
  /** What has become of the present deployment. */
  readonly onRollout: (rollout: Deployment['rollout']) => void;
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
  #whenUnprotected: NodeJS.Timeout | undefined;
  /** Tasks of the present deployment that failed. */
  failedTasks = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The task that runs now, or is on its way out. */
  get task(): Task | undefined {
    return this.#task;
  }

  /** The service, or the protection of its task, has changed: a task that is not of its present deployment, or not wanted, is stopped. */
  changed(): void {
    if (this.#task === undefined || !this.#isPresent(this.#task)) {
      this.#delay.reset();
      this.failedTasks = 0;
    }
    this.#stopUnwanted();
    this.#wake();
  }

  /** Stops the task, and starts none. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#stopTask('TerminationNotice', 'The runtime is stopping');
    this.#wake();
    await this.#running;
  }

  #isPresent(task: Task): boolean {
    return task.service.deployment.id === this.#options.service().deployment.id;
  }

  /** A task that is protected is not stopped before its protection is over; only its service can go under it. */
  #stopUnwanted(): void {
    clearTimeout(this.#whenUnprotected);
    const task = this.#task;
    const { status, deployment, desiredCount } = this.#options.service();
    if (task === undefined || (desiredCount > 0 && this.#isPresent(task))) return;
    const protectedMs = task.protectedUntil - Date.now();
    if (protectedMs > 0 && status === 'ACTIVE') {
      this.#whenUnprotected = setTimeout(() => this.#stopUnwanted(), Math.min(protectedMs, LONGEST_TIMER_MS));
      return;
    }
    this.#stopTask('ServiceSchedulerInitiated', `Scaling activity initiated by (deployment ${deployment.id})`);
  }

  #stopTask(code: StopCode, reason: string): void {
    this.#task?.stop(code, reason);
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      const { status, desiredCount, deployment } = this.#options.service();
      if (status === 'DRAINING') {
        this.#options.onDrained();
        return;
      }
      if (desiredCount === 0 || deployment.rollout === 'FAILED') await this.#pause();
      else if (this.#delay.milliseconds === 0 || !(await this.#pause(this.#delay.milliseconds))) await this.#runTask();
    }
  }

  async #runTask(): Promise<void> {
    const task = this.#options.startTask();
    this.#task = task;
    void task.works.then(() => this.#conclude(task, 'COMPLETED'));
    await task.ended;
    clearTimeout(this.#whenUnprotected);
    this.#task = undefined;
    if (!task.failed) {
      this.#delay.reset();
      return;
    }
    if (!this.#isPresent(task)) return;
    this.failedTasks += 1;
    this.#delay.taskEnded((task.stoppedAt ?? 0) - task.createdAt);
    const { circuitBreaker } = this.#options.service();
    if (circuitBreaker && this.failedTasks >= BREAKER_THRESHOLD) this.#conclude(task, 'FAILED');
  }

  /** A deployment that has worked once stays completed: from then on its tasks are replaced as often as they fail. */
  #conclude(task: Task, rollout: Deployment['rollout']): void {
    const inProgress = this.#options.service().deployment.rollout === 'IN_PROGRESS';
    if (inProgress && this.#isPresent(task)) this.#options.onRollout(rollout);
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
