import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DynamoInstanceStore } from '../../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import type { AcceptedEvent } from '../../../domain/operation/operation-event.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const AT = '2026-01-01T00:00:00.000Z';
const error = { code: 'internal', message: 'It broke', retryable: true } as const;

type Step = (input: { operationId: string; graphId: string }) => Promise<unknown>;

let store: DynamoOperationStore;
let log: OperationLog;
let graphs: DynamoGraphStore;
let instances: DynamoInstanceStore;
let steps: Record<'take-slot' | 'activate-graph' | 'deactivate-graph' | 'remove-graph' | 'free-slot', Step>;
let close: () => Promise<void>;

const load = async (name: string): Promise<Step> => {
  const { handler } = (await import(`../../../functions/steps/${name}.ts`)) as {
    handler: (event: unknown, context: Context) => Promise<unknown>;
  };
  return (input) => handler(input, {} as Context);
};

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  const { table } = started;
  const { hostname, port } = await (table.documents.config.endpoint?.() ?? Promise.reject(new Error('No endpoint')));
  Object.assign(process.env, {
    CONTROL_TABLE_NAME: table.tableName,
    AWS_ENDPOINT_URL_DYNAMODB: `http://${hostname}:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  store = new DynamoOperationStore(table);
  log = new OperationLog(store);
  graphs = new DynamoGraphStore(table);
  instances = new DynamoInstanceStore(table);
  await instances.register(
    { instanceId: 'inst-1', tier: 'standard', endpoint: 'http://x', image: 'i', taskArn: 't', capacity: 100 },
    AT,
  );
  const names = ['take-slot', 'activate-graph', 'deactivate-graph', 'remove-graph', 'free-slot'] as const;
  const loaded = await Promise.all(names.map(async (name) => [name, await load(name)] as const));
  steps = Object.fromEntries(loaded) as typeof steps;
});

afterAll(() => close());

const accepted = async (): Promise<{ operationId: string; graphId: string }> => {
  const event: AcceptedEvent = acceptedEvent();
  await store.putEvent(event);
  return { operationId: event.operationId, graphId: event.graphId ?? '' };
};

const stateOf = async (graphId: string): Promise<{ graph: Graph | undefined; slot: string | undefined }> => ({
  graph: await graphs.get(graphId),
  slot: (await instances.readSlots('inst-1'))[graphId],
});

test('TakeSlot that runs again has changed nothing', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  const before = await stateOf(input.graphId);
  await steps['take-slot'](input);
  expect(await stateOf(input.graphId)).toEqual(before);
  expect(await log.events(input.operationId, 0, 10)).toHaveLength(2);
});

test('TakeSlot that comes after the operation was undone undoes itself', async () => {
  const input = await accepted();
  await log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await log.append(input.operationId, { type: 'failed', message: 'Failed', error });
  await expect(steps['take-slot'](input)).rejects.toThrow(/operation_over/);
  expect(await stateOf(input.graphId)).toEqual({ graph: undefined, slot: undefined });
});

test('TakeSlot that comes after the operation succeeded leaves the graph alone', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  await graphs.publish(
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
  await graphs.remove(input.graphId, input.operationId);
  expect(await stateOf(input.graphId)).toEqual(before);
});

test('ActivateGraph that comes after the undo began does not bring the graph back', async () => {
  const input = await accepted();
  await steps['take-slot'](input);
  const snapshot = newSnapshot(input.graphId, 1, { checksum: 'aa', bytes: 1 });
  await graphs.publish(input.graphId, writerOf(input.operationId), snapshot);
  await log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await steps['deactivate-graph'](input);
  await expect(steps['activate-graph'](input)).rejects.toMatchObject({ name: 'Refusal' });
  await graphs.withdraw(input.graphId, input.operationId);
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
