import type { LeaseStore } from '../../domain/lease/lease-store.ts';
import type { Leases } from '../../domain/lease/leases.ts';
import type { Logger } from '../logger.ts';
import type { TaskProtection } from '../task-protection.ts';

type Parts = {
  instanceId: string;
  store: { confirm(...work: Parameters<LeaseStore['confirm']>): Promise<unknown> };
  leases: Pick<Leases, 'release'>;
  protection: TaskProtection;
  logger: Logger;
};

/** A lease as a job came with it. */
export type JobLease = { leaseId: string; generation: number };

/** What this instance is busy by. While it holds anything, its task is protected. */
export class Holdings {
  readonly #parts: Parts;
  readonly #held = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Makes sure that a job comes with a lease that lives, handed out to the instance as it is now.
   * @throws {LeaseLost} the job is to be refused
   */
  async begin({ leaseId, generation }: JobLease): Promise<void> {
    // Handed over again, a job that is refused now goes on under what it has.
    const isNew = !this.#held.has(leaseId);
    this.#held.add(leaseId);
    try {
      await this.#parts.protection.begin();
      await this.confirm({ leaseId, generation });
    } catch (error) {
      if (isNew) this.#drop(leaseId);
      throw error;
    }
  }

  /** @throws {LeaseLost} the work must stop */
  async confirm({ leaseId, generation }: JobLease): Promise<void> {
    await this.#parts.store.confirm(this.#parts.instanceId, leaseId, generation);
  }

  /** Lets go what a job was done under. One that can not be ended now is when its operation is over. */
  async end({ leaseId }: JobLease): Promise<void> {
    const { leases, instanceId, logger } = this.#parts;
    await leases.release(instanceId, leaseId).catch((error: unknown) => {
      logger.warn('A lease was not ended', { leaseId, error: error as Error });
    });
    this.#drop(leaseId);
  }

  #drop(leaseId: string): void {
    this.#held.delete(leaseId);
    if (this.#held.size === 0) this.#parts.protection.end();
  }
}
