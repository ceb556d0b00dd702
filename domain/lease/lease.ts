import { Retryable, Terminal } from '../failure.ts';

/** The work that makes an instance busy. */
export const LEASE_KINDS = [
  'provisioning',
  'materialization',
  'bulk_table_create',
  'bulk_table_insert',
  'fork',
  'backup',
  'restore',
  'snapshot_load',
] as const;
export type LeaseKind = (typeof LEASE_KINDS)[number];

/** An operation's holding of an instance. While it is held the instance is busy, and is not cycled. */
export type Lease = {
  /** `<operation>.<holding>`: a later holding of the operation has a higher number. */
  leaseId: string;
  kind: LeaseKind;
  acquiredAt: string;
};

/** The lease of an operation. An ended one never comes back: for more work the operation takes its next `holding`. */
export const leaseIdFor = (operationId: string, holding = 1): string => `${operationId}.${holding}`;

/**
 * The number of a holding that a workflow's state begins: each time that it is entered, and each time that it is tried
 * again, has a higher one, and the same try run twice has the same.
 */
export const holdingOf = (enteredAt: string, retry: number): number => Date.parse(enteredAt) * 1_000 + retry;

/** The number of a lease among its operation's. */
export const holdingOfLease = (leaseId: string): number => Number(leaseId.split('.')[1]);

/** The operation that a lease belongs to, or a drain by its owner. */
export const operationIdOfLease = (leaseId: string): string => leaseId.split('.')[0] ?? leaseId;

/** The leases that an instance can hold at once: they and the tombstones share an item, which has its largest size. */
export const MOST_LEASES = 128;

/** The instance holds as many leases as it can. */
export class InstanceFull extends Retryable {
  constructor(instanceId: string) {
    super('at_capacity', `The instance "${instanceId}" has ${MOST_LEASES} operations at work.`, { delaySeconds: 5 });
  }
}

/** The work has lost its instance, by force or because its operation is over, and must do nothing more there. */
export class LeaseLost extends Terminal {
  constructor(leaseId: string) {
    super('conflict', `The lease "${leaseId}" is not held any more, or the instance was cycled since.`);
  }
}
