import { ServiceScheduler } from './service-scheduler.ts';
import type { Service, StoredState } from './stored-state.ts';
import type { Task } from './task.ts';

/** Keeps a scheduler for every service that there is. */
export class Supervisor {
  readonly #state: StoredState;
  readonly #startTask: (service: Service) => Task;
  readonly #schedulers = new Map<string, ServiceScheduler>();
  #closing = false;

  constructor(state: StoredState, startTask: (service: Service) => Task) {
    this.#state = state;
    this.#startTask = startTask;
  }

  /** Starts the services that an earlier run has left. */
  startAll(): void {
    for (const service of this.#state.services) this.#schedule(service);
  }

  /** Writes a service down, then acts on it; when closing, the next start does. */
  put(service: Service): void {
    this.#state.putService(service);
    if (this.#closing) return;
    const scheduler = this.#schedulers.get(service.arn);
    if (scheduler === undefined) this.#schedule(service);
    else scheduler.changed();
  }

  /** A task may be protected now, or no longer. */
  protectionChanged(task: Task): void {
    if (!this.#closing) this.#schedulers.get(task.service.arn)?.changed();
  }

  scheduler(service: Service): ServiceScheduler | undefined {
    return this.#schedulers.get(service.arn);
  }

  /** Stops every task; the services stay, for the next start. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#schedulers.values()].map((scheduler) => scheduler.close()));
  }

  #schedule(service: Service): void {
    const { cluster, name, arn } = service;
    const current = () => this.#state.service(cluster, name) ?? service;
    const scheduler = new ServiceScheduler({
      service: current,
      startTask: () => this.#startTask(current()),
      onRollout: (rollout) => {
        const { deployment, ...service } = current();
        this.#state.putService({ ...service, deployment: { ...deployment, rollout, updatedAt: Date.now() } });
      },
      onDrained: () => {
        this.#schedulers.delete(arn);
        this.#state.putService({ ...current(), status: 'INACTIVE' });
      },
    });
    this.#schedulers.set(arn, scheduler);
  }
}
