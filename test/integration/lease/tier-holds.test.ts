import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import type { FleetTier } from '../../../domain/fleet/tier.ts';
import { DynamoRefreshLockStore } from '../../../domain/lease/dynamo-refresh-lock-store.ts';
import { DynamoWritePauseStore } from '../../../domain/lease/dynamo-write-pause-store.ts';
import { RefreshLock } from '../../../domain/lease/refresh-lock.ts';
import { PauseGate } from '../../../domain/lease/write-pause.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

let table: ControlTableClient;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());

describe('a pause of writes', () => {
  const pause = (tier: FleetTier | null, until: string) => ({ tier, owner: 'ola', reason: 'Migration', until });
  const noon = new Date('2026-01-01T12:00:00.000Z');

  test('refuses new work on its tier until it ends by itself, and says when', async () => {
    const pauses = new DynamoWritePauseStore(table);
    await pauses.put(pause('standard', '2026-01-01T12:01:30.000Z'));
    await expect(new PauseGate(pauses, () => noon).pass('standard')).rejects.toMatchObject({
      code: 'writes_paused',
      retryable: true,
      delaySeconds: 90,
    });
    await new PauseGate(pauses, () => noon).pass('large');
    await new PauseGate(pauses, () => new Date('2026-01-01T12:01:30.000Z')).pass('standard');
    await pauses.remove('standard');
    await pauses.remove('standard');
    await new PauseGate(pauses, () => noon).pass('standard');
  });

  test('of the fleet is one of every tier; the longer one counts', async () => {
    const pauses = new DynamoWritePauseStore(table);
    await pauses.put(pause(null, '2026-01-01T12:10:00.000Z'));
    await pauses.put(pause('xlarge', '2026-01-01T12:05:00.000Z'));
    for (const tier of ['xlarge', 'shared'] as const) {
      await expect(new PauseGate(pauses, () => noon).pass(tier)).rejects.toMatchObject({ delaySeconds: 600 });
    }
    expect(await pauses.get('xlarge')).toEqual([
      pause(null, '2026-01-01T12:10:00.000Z'),
      pause('xlarge', '2026-01-01T12:05:00.000Z'),
    ]);
  });
});

describe('the lock of a refresh', () => {
  const log = () => new OperationLog(new DynamoOperationStore(table));
  const openRefresh = async (): Promise<string> => {
    const { operationId, request, requestHash, ...event } = acceptedEvent({ kind: 'fleet.refresh' });
    await log().open({ ...event, operationId, request, requestHash });
    return operationId;
  };
  const lockOn = () => new RefreshLock(new DynamoRefreshLockStore(table), log());

  test('is given to one refresh of a tier at a time; a second is refused with the id of the first', async () => {
    const lock = lockOn();
    const [first, second] = [await openRefresh(), await openRefresh()];
    await lock.take('standard', first);
    await lock.take('standard', first);
    await expect(lock.take('standard', second)).rejects.toMatchObject({ code: 'conflict', operationId: first });
    await lock.take('large', second);
    await lock.free('standard', second);
    await expect(lock.take('standard', second)).rejects.toMatchObject({ operationId: first });
    await lock.free('standard', first);
    await lock.take('standard', second);
  });

  test('that an ended refresh left behind is taken over, by one of those who want it', async () => {
    const lock = lockOn();
    const first = await openRefresh();
    await lock.take('xlarge', first);
    await log().append(first, { type: 'cancelled', message: 'Cancelled', error: null });
    const others = await Promise.all(Array.from({ length: 5 }, openRefresh));
    const taken = await Promise.allSettled(others.map((other) => lock.take('xlarge', other)));
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await lock.free('xlarge', first);
    const winner = others[taken.findIndex(({ status }) => status === 'fulfilled')];
    await expect(lock.take('xlarge', await openRefresh())).rejects.toMatchObject({ operationId: winner });
  });
});
