import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoInstanceWaitStore } from '../../../domain/lease/dynamo-instance-wait-store.ts';
import { DynamoLeaseStore } from '../../../domain/lease/dynamo-lease-store.ts';
import { InstanceWaits } from '../../../domain/lease/instance-waits.ts';
import { holdingOf, leaseIdFor } from '../../../domain/lease/lease.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const INSTANCE = 'inst-1';

let on: StepsOnTable<'dispatch-job'>;
let waits: InstanceWaits;
let server: Server;
/** The leases that jobs were handed out under, as the instance hears of them. */
let handed: string[] = [];
let woken: string[] = [];
beforeAll(async () => {
  on = await stepsOnTable(['dispatch-job']);
  waits = new InstanceWaits({
    waits: new DynamoInstanceWaitStore(on.table),
    leases: new DynamoLeaseStore(on.table),
    operations: on.log,
    tasks: { succeed: async (taskToken) => void woken.push(taskToken) },
  });
  server = createServer((request, response) => void take(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const place = { instanceId: INSTANCE, tier: 'standard', endpoint, image: 'i', taskArn: 't' } as const;
  await on.instances.register({ ...place, capacity: 9, generation: 1 }, at(0));
});
const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  handed.push(((await json(request)) as { leaseId: string }).leaseId);
  response.writeHead(202).end();
};
afterAll(async () => {
  server.close();
  await on.close();
});

let operationId: string;
let graphId: string;
beforeEach(async () => {
  [handed, woken] = [[], []];
  const accepted = acceptedEvent();
  const writer = writerOf(accepted.operationId);
  ({ graphId } = await on.graphs.create({ ...graphRequestedBy(accepted), placement: INSTANCE }));
  await on.graphs.publish(graphId, writer, newSnapshot(graphId, 1, { checksum: 'aa', bytes: 1 }));
  await on.graphs.activate(graphId, writer);
  const event = acceptedEvent({ kind: 'backup.create', graphId });
  ({ operationId } = event);
  await on.store.putEvent(event);
  await on.log.append(operationId, { type: 'started', message: 'Begun' });
});

const dispatch = (second: number, retry = 0) =>
  on.steps['dispatch-job']({
    ...{ operationId, graphId, tenantId: 'acme', kind: 'back-up', taskToken: 'token' },
    ...{ enteredAt: at(second), retry, isAgain: retry > 0 },
  });
const lease = (second: number, retry = 0) => leaseIdFor(operationId, holdingOf(at(second), retry));
const close = async () => {
  const read = await on.instances.get(INSTANCE);
  expect(read && (await on.instances.quarantineSilent(read))).toBe(true);
};
const open = (second: number) => on.instances.heartbeat(INSTANCE, 't', at(second));
const enterWait = async () => waits.enter(INSTANCE, await on.log.last(operationId), 'waiting');

test('what is handed out first costs the log nothing, also when the function runs twice', async () => {
  const before = await on.log.last(operationId);
  await dispatch(1);
  await dispatch(1);
  expect(handed).toEqual([lease(1), lease(1)]);
  expect(await on.log.last(operationId)).toEqual(before);
});

test('before work is handed out again the log knows who has it, and is told once', async () => {
  await dispatch(1);
  await dispatch(1, 1);
  const told = await on.log.last(operationId);
  expect(told).toMatchObject({ message: 'Tried again, on inst-1', holding: holdingOf(at(1), 1) });
  await dispatch(1, 1);
  expect(await on.log.last(operationId)).toEqual(told);
});

test('work that an instance takes again before it was waited for is fenced as well', async () => {
  await dispatch(1);
  await close();
  await expect(dispatch(1, 1)).rejects.toMatchObject({ name: 'InstanceDraining' });
  await open(2);
  await enterWait();
  expect(woken).toEqual(['waiting']);
  // The state is entered anew, and has not been tried before.
  await dispatch(3);
  expect(handed).toEqual([lease(1), lease(3)]);
  expect(await on.log.last(operationId)).toMatchObject({ status: 'running', holding: holdingOf(at(3), 0) });
});

test('and so is work that a late try had handed out when the wait began', async () => {
  await close();
  await expect(dispatch(1, 1)).rejects.toMatchObject({ name: 'InstanceDraining' });
  await open(2);
  await dispatch(1);
  await enterWait();
  expect((await on.log.last(operationId)).status).toBe('running');
  await dispatch(3);
  expect(await on.log.last(operationId)).toMatchObject({ holding: holdingOf(at(3), 0) });
});

test('work that was waited for goes on with the holding that has it', async () => {
  await dispatch(1);
  await close();
  await expect(dispatch(1, 1)).rejects.toMatchObject({ name: 'InstanceDraining' });
  await enterWait();
  expect(await on.log.last(operationId)).toMatchObject({ status: 'queued' });
  await open(2);
  expect(await waits.wake(INSTANCE)).toBe(1);
  await dispatch(3);
  expect(await on.log.last(operationId)).toMatchObject({ status: 'running', holding: holdingOf(at(3), 0) });
});
