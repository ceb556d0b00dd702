import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { type Health, HealthMonitor } from './health-monitor.ts';
import type { Image } from './image.ts';
import type { Service, TaskDefinition } from './stored-state.ts';
import type { TaskEvent } from './task-events.ts';

/** Why a task has stopped, in ECS's words. */
export type StopCode =
  | 'EssentialContainerExited'
  | 'ServiceSchedulerInitiated'
  | 'TaskFailedToStart'
  | 'UserInitiated'
  | 'TerminationNotice';

/** How a task's container becomes a process. */
export type TaskEnvironment = {
  /** @throws {Error} the container can not be started */
  readonly start: (task: Task) => ChildProcess;
  /** The container's image; undefined when there is none here. */
  readonly imageOf: (reference: string) => Image | undefined;
  /** Takes what happens, as it happens. */
  readonly onEvent: (event: Omit<TaskEvent, 'at'>) => void;
};

const STOP_TIMEOUT_SECONDS = 30;

/** One run of a service's container: a process, from its start to its end. */
export class Task {
  readonly id: string;
  readonly arn: string;
  readonly service: Service;
  readonly definition: TaskDefinition;
  readonly image: Image | undefined;
  readonly createdAt = Date.now();
  /** Resolves when it has stopped. */
  readonly ended: Promise<void>;
  /** Resolves when it is known to work: healthy, if it can be asked for that, or else started. */
  readonly works: Promise<void>;
  startedAt: number | undefined;
  stoppingAt: number | undefined;
  stoppedAt: number | undefined;
  stopCode: StopCode | undefined;
  stoppedReason: string | undefined;
  exitCode: number | undefined;
  /** Until when it is protected from being scaled in, in milliseconds since the epoch. */
  protectedUntil = 0;

  readonly #environment: TaskEnvironment;
  readonly #end = Promise.withResolvers<void>();
  readonly #works = Promise.withResolvers<void>();
  #process: ChildProcess | undefined;
  #kill: NodeJS.Timeout | undefined;
  #monitor: HealthMonitor | undefined;

  constructor(id: string, arn: string, service: Service, definition: TaskDefinition, environment: TaskEnvironment) {
    this.id = id;
    this.arn = arn;
    this.service = service;
    this.definition = definition;
    this.#environment = environment;
    this.image = environment.imageOf(definition.container.image);
    this.ended = this.#end.promise;
    this.works = this.#works.promise;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  get health(): Health {
    return this.#monitor?.health ?? 'UNKNOWN';
  }

  get lastStatus(): 'PENDING' | 'RUNNING' | 'STOPPING' | 'STOPPED' {
    if (this.stoppedAt !== undefined) return 'STOPPED';
    if (this.stoppingAt !== undefined) return 'STOPPING';
    return this.startedAt === undefined ? 'PENDING' : 'RUNNING';
  }

  get desiredStatus(): 'RUNNING' | 'STOPPED' {
    return this.stoppingAt === undefined && this.stoppedAt === undefined ? 'RUNNING' : 'STOPPED';
  }

  /** Whether it ended without being asked to, or because it was not healthy. */
  get failed(): boolean {
    return (
      this.stopCode === 'EssentialContainerExited' ||
      this.stopCode === 'TaskFailedToStart' ||
      this.health === 'UNHEALTHY'
    );
  }

  start(): void {
    try {
      this.#process = this.#environment.start(this);
    } catch (error) {
      this.#failToStart(error);
      return;
    }
    this.startedAt = Date.now();
    this.#process.once('error', (error) => this.#failToStart(error));
    this.#process.once('exit', (code, signal) => {
      // As a shell tells it: 137 is a SIGKILL, 143 a SIGTERM that was not handled.
      this.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
      this.#stopped('EssentialContainerExited', 'Essential container in task exited');
    });
    this.#tell('started');
    this.#watchHealth(this.#process);
  }

  #watchHealth(child: ChildProcess): void {
    const { healthCheck } = this.definition.container;
    if (healthCheck === undefined) {
      this.#works.resolve();
      return;
    }
    const monitor = new HealthMonitor(healthCheck, (health) => {
      if (health === 'HEALTHY') this.#works.resolve();
      else this.stop('ServiceSchedulerInitiated', 'Task failed container health checks');
    });
    child.on('message', ({ listening }: { listening?: number }) => {
      if (listening !== undefined) monitor.listensOn(listening);
    });
    this.#monitor = monitor;
  }

  /** Asks the process to end (SIGTERM), and ends it (SIGKILL) when its stop timeout is over. Repeating it is harmless. */
  stop(code: StopCode, reason: string): void {
    if (this.desiredStatus === 'STOPPED') return;
    this.stoppingAt = Date.now();
    this.#monitor?.close();
    this.stopCode = code;
    this.stoppedReason = reason;
    this.#tell('stopping', { reason });
    this.#process?.kill('SIGTERM');
    const timeoutSeconds = this.definition.container.stopTimeout ?? STOP_TIMEOUT_SECONDS;
    this.#kill = setTimeout(() => {
      this.#tell('killing');
      this.#process?.kill('SIGKILL');
    }, timeoutSeconds * 1000);
  }

  #failToStart(error: unknown): void {
    this.#stopped('TaskFailedToStart', error instanceof Error ? error.message : String(error));
  }

  #stopped(code: StopCode, reason: string): void {
    if (this.stoppedAt !== undefined) return;
    clearTimeout(this.#kill);
    this.#monitor?.close();
    this.stoppedAt = Date.now();
    // Of a task that was asked to stop, the reason is why it was asked.
    this.stopCode ??= code;
    this.stoppedReason ??= reason;
    this.#tell('stopped', { exitCode: this.exitCode ?? null, reason: this.stoppedReason });
    this.#end.resolve();
  }

  #tell(event: TaskEvent['event'], more: Pick<TaskEvent, 'exitCode' | 'reason'> = {}): void {
    const { service, id: task, arn: taskArn, definition, image, pid } = this;
    const taskDefinition = `${definition.family}:${definition.revision}`;
    this.#environment.onEvent({
      service: service.name,
      task,
      taskArn,
      taskDefinition,
      image: image?.digest ?? null,
      pid,
      event,
      ...more,
    });
  }
}
