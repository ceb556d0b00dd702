import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { AT, registerInstance } from './instances.ts';

let table: ControlTableClient;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());

test('a task that was started for an earlier generation does not become the instance, however late it registers', async () => {
  const place = await registerInstance(table, { instanceId: 'inst-1' });
  const store = new DynamoLeaseStore(table);
  await store.beginDrain(place, { owner: 'op_r.1', reason: 'refresh', since: AT });
  await store.claimCycle(place, 'op_r.1');
  const registrations = new DynamoInstanceStore(table);
  const task = (generation: number) => ({
    ...place,
    endpoint: 'http://127.0.0.1:1',
    image: 'sha256:two',
    taskArn: `task-of-${generation}`,
    capacity: 10,
    generation,
  });
  expect(await registrations.register(task(1), AT)).toBeUndefined();
  expect(await registrations.register(task(2), AT)).toMatchObject({ generation: 2, taskArn: 'task-of-2' });
  expect(await registrations.register(task(1), AT)).toBeUndefined();
  expect(await store.get('inst-1')).toMatchObject({ state: 'CYCLING', generation: 2, taskArn: 'task-of-2' });
});
