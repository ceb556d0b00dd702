import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { keyOf } from '../fleet/dynamo-instance-store.ts';
import { DynamoDrainStore } from './dynamo-drain-store.ts';
import { END, KNOWN, NOT_ENDED, OPEN, STATE } from './dynamo-occupancies.ts';
import { InstanceFull, type Lease, LeaseLost, MOST_LEASES } from './lease.ts';
import type { LeaseStore } from './lease-store.ts';
import { HoldingEnded, InstanceDraining, type Occupancy } from './occupancy.ts';

const HELD = 'attribute_exists(leases.#lease)';
const NOT_HELD = 'attribute_not_exists(leases.#lease)';
const HAS_ROOM = 'busyCount < :most';

// The set and its size move together: a lease is added only where it is not, and removed only where it is, so the
// number can not drift from the set.
const HOLD = 'leases.#lease = :lease, busyCount = busyCount + :one';
const LET_GO = 'busyCount = busyCount - :one, ended.#holding = :at';

/** Leases in the control table, on the items of the instances, beside the drains that they hold up. */
export class DynamoLeaseStore extends DynamoDrainStore implements LeaseStore {
  async acquire(instanceId: string, lease: Lease): Promise<Occupancy> {
    const { leaseId, ...content } = lease;
    const held = await this.write(instanceId, {
      set: HOLD,
      when: `${OPEN} AND ${NOT_HELD} AND ${NOT_ENDED} AND ${HAS_ROOM}`,
      names: { ...STATE, '#lease': leaseId, '#holding': leaseId },
      values: { ':lease': content, ':one': 1, ':active': 'ACTIVE', ':most': MOST_LEASES },
    });
    if (held !== undefined) return held;
    const instance = await this.read(instanceId);
    if (leaseId in instance.leases) return instance;
    if (leaseId in instance.ended) throw new HoldingEnded(leaseId);
    if (instance.state !== 'ACTIVE') throw new InstanceDraining(instance);
    if (instance.busyCount >= MOST_LEASES) throw new InstanceFull(instanceId);
    return this.acquire(instanceId, lease);
  }

  async release(instanceId: string, leaseId: string, at: string): Promise<Occupancy | undefined> {
    const released = await this.write(instanceId, {
      set: LET_GO,
      remove: 'leases.#lease',
      when: HELD,
      names: { '#lease': leaseId, '#holding': leaseId },
      values: { ':one': 1, ':at': at },
    });
    if (released !== undefined) return released;
    const instance = await this.get(instanceId);
    if (instance === undefined || leaseId in instance.ended) return instance;
    const barred = await this.write(instanceId, {
      set: END,
      when: `${KNOWN} AND ${NOT_HELD}`,
      names: { '#lease': leaseId, '#holding': leaseId },
      values: { ':at': at },
    });
    return barred ?? this.release(instanceId, leaseId, at);
  }

  async confirm(instanceId: string, leaseId: string, generation: number): Promise<Occupancy> {
    const instance = await this.read(instanceId);
    if (leaseId in instance.leases && instance.generation === generation) return instance;
    throw new LeaseLost(leaseId);
  }

  async prune(instanceId: string, ended: readonly string[]): Promise<void> {
    if (ended.length === 0) return;
    await this.table.documents.send(
      new UpdateCommand({
        TableName: this.table.tableName,
        Key: keyOf(instanceId),
        UpdateExpression: `REMOVE ${ended.map((_, each) => `ended.#e${each}`).join(', ')}`,
        ConditionExpression: KNOWN,
        ExpressionAttributeNames: Object.fromEntries(ended.map((id, each) => [`#e${each}`, id])),
      }),
    );
  }
}
