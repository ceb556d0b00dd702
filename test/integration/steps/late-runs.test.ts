import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoGraphQuota } from '../../../domain/billing/dynamo-graph-quota.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import type { AcceptedEvent } from '../../../domain/operation/operation-event.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const NAMES = ['take-slot', 'activate-graph', 'deactivate-graph', 'remove-graph', 'free-slot'] as const;

let on: StepsOnTable<(typeof NAMES)[number]>;
let steps: typeof on.steps;

beforeAll(async () => {
  on = await stepsOnTable(NAMES);
  steps = on.steps;
  await on.instances.register(
    {
      instanceId: 'inst-1',
      tier: 'standard',
      endpoint: 'http://x',
      image: 'i',
      taskArn: 't',
      capacity: 100,
      generation: 1,
    },
    AT,
  );
});

afterAll(() => on.close());

const accepted = async (): Promise<{ operationId: string; graphId: string }> => {
  const event: AcceptedEvent = acceptedEvent();
  await on.store.putEvent(event);
  return { operationId: event.operationId, graphId: event.graphId ?? '' };
};

const stateOf = async (graphId: string): Promise<{ graph: Graph | undefined; slot: string | undefined }> => ({
  graph: await on.graphs.get(graphId),
  slot: (await on.instances.readSlots('inst-1'))[graphId],
});

test('TakeSlot that runs again has changed nothing', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  const before = await stateOf(input.graphId);
  await steps['take-slot'](input);
  expect(await stateOf(input.graphId)).toEqual(before);
  expect(await on.log.events(input.operationId, 0, 10)).toHaveLength(2);
});

test('TakeSlot that comes after the operation was undone undoes itself', async () => {
  const input = await accepted();
  await on.log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await on.log.append(input.operationId, { type: 'failed', message: 'Failed', error });
  await expect(steps['take-slot'](input)).rejects.toThrow(/operation_over/);
  expect(await stateOf(input.graphId)).toEqual({ graph: undefined, slot: undefined });
});

test('TakeSlot that comes after the operation succeeded leaves the graph alone', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  await on.graphs.publish(
    input.graphId,
    writerOf(input.operationId),
    newSnapshot(input.graphId, 1, { checksum: 'aa', bytes: 1 }),
  );
  await steps['activate-graph'](input);
  const before = await stateOf(input.graphId);
  expect(before).toMatchObject({ graph: { status: 'active' }, slot: input.operationId });
  await expect(steps['take-slot'](input)).rejects.toThrow(/operation_over/);
  expect(await stateOf(input.graphId)).toEqual(before);
  // Not even the undo of the record touches a graph that is in use.
  await on.graphs.remove(input.graphId, input.operationId);
  expect(await stateOf(input.graphId)).toEqual(before);
});

test('TakeSlot that comes after its graph was made, used and deleted leaves nothing', async () => {
  const input = await accepted();
  on.holdUp('UpdateItem', 'TENANT#acme', async () => {
    await on.log.append(input.operationId, { type: 'started', message: 'Slot taken' });
    await on.log.append(input.operationId, { type: 'succeeded', message: 'Graph active', result: {} });
  });
  const quota = new DynamoGraphQuota(on.table);
  const before = await quota.count('acme');
  await expect(steps['take-slot'](input)).rejects.toThrow(/operation_over/);
  expect(await stateOf(input.graphId)).toEqual({ graph: undefined, slot: undefined });
  expect(await quota.count('acme')).toBe(before);
});

test('ActivateGraph that comes after the undo began does not bring the graph back', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  const snapshot = newSnapshot(input.graphId, 1, { checksum: 'aa', bytes: 1 });
  await on.graphs.publish(input.graphId, writerOf(input.operationId), snapshot);
  await on.log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await steps['deactivate-graph'](input);
  await expect(steps['activate-graph'](input)).rejects.toMatchObject({ name: 'Refusal' });
  await on.graphs.withdraw(input.graphId, input.operationId);
  expect((await stateOf(input.graphId)).graph).toMatchObject({ status: 'provisioning', snapshot: null, writer: null });
});

test('the record of a graph stays while its slot is held', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  await expect(steps['remove-graph'](input)).rejects.toMatchObject({ name: 'Retryable' });
  await steps['free-slot'](input);
  await steps['remove-graph'](input);
  expect(await stateOf(input.graphId)).toEqual({ graph: undefined, slot: undefined });
});
