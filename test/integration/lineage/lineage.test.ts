import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoLetterStore } from '../../../domain/letter/dynamo-letter-store.ts';
import { LetterBox, requeue } from '../../../domain/letter/letter-box.ts';
import { type LineageReport, lineageEventOf, lineageIdOf, startOf } from '../../../domain/lineage/lineage-event.ts';
import { FOR_HOURS, postLineage } from '../../../domain/lineage/post-lineage.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { OpenLineageRunEvent } from '../../fixtures/open-lineage.ts';

const MINUTE_MS = 60_000;

/** A catalogue: it answers as the test says, and keeps what it was told. */
let catalogue: Server;
let url: string;
let answer: (response: ServerResponse) => void;
let told: { event: Record<string, unknown>; authorization: string | undefined }[];

let close: () => Promise<void>;
let store: DynamoLetterStore;
let rotations: DynamoRotationStore;
let now: Date;
let outbox: LetterBox;

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  store = new DynamoLetterStore(started.table, 'lineage');
  rotations = new DynamoRotationStore(started.table);
});
afterAll(() => close());

beforeEach(async () => {
  told = [];
  answer = (response) => void response.writeHead(201).end();
  catalogue = createServer((request, response) => {
    void text(request).then((body) => {
      const event = JSON.parse(body) as Record<string, unknown>;
      told.push({ event, authorization: request.headers.authorization });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => catalogue.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(catalogue.address() as AddressInfo).port}/api/v1/lineage`;
  now = new Date('2026-01-01T00:00:00Z');
  outbox = outboxTo(url);
});
afterEach(() => {
  catalogue.closeAllConnections();
  catalogue.close();
});

const outboxTo = (address: string, timeoutMs?: number) =>
  new LetterBox(
    store,
    postLineage(address, async () => 'secret', timeoutMs),
    { patience: FOR_HOURS, follows: startOf, now: () => now },
  );
const takeTurn = () => outbox.takeTurn(rotations, 100);
const later = (minutes: number) => {
  now = new Date(now.getTime() + minutes * MINUTE_MS);
};
/** Every minute for some hours, as the schedule does. */
const takeTurns = async (minutes: number) => {
  for (let minute = 0; minute < minutes; minute += 1) {
    later(1);
    await takeTurn();
  }
};

const report = (own: Partial<LineageReport> = {}): LineageReport => ({
  type: 'COMPLETE',
  at: '2026-01-01T00:00:00.000Z',
  operationId: operationIdFor('acme', undefined),
  tenantId: 'acme',
  graphId: 'kg1',
  inputs: [{ table: 'Company', columns: [{ name: 'id', type: 'STRING' }], rows: 3, bytes: 4_096 }],
  output: { version: 7, rows: 3, bytes: 8_192 },
  error: null,
  ...own,
});

const keep = async (own: Partial<LineageReport> = {}): Promise<string> => {
  const kept = report(own);
  const id = lineageIdOf(kept);
  await outbox.keep(id, JSON.stringify(lineageEventOf(kept)));
  return id;
};

test.each<Partial<LineageReport>>([
  { type: 'START', output: null },
  {},
  { type: 'FAIL', output: null, error: 'A row of Company is not valid' },
  { type: 'ABORT', output: null, inputs: [] },
])('a report is a run event as OpenLineage specifies it: %o', (own) => {
  const event = lineageEventOf(report(own));
  expect(OpenLineageRunEvent.parse(event)).toEqual(event);
});

test('the events of an operation are of one run, whoever builds them', () => {
  const operationId = operationIdFor('acme', 'key');
  const [begun, ended] = (['START', 'COMPLETE'] as const).map((type) => lineageEventOf(report({ operationId, type })));
  expect(begun?.run.runId).toBe(ended?.run.runId);
  expect(lineageEventOf(report()).run.runId).not.toBe(begun?.run.runId);
});

describe('an event', () => {
  test('that was kept twice is posted once, with the token', async () => {
    const operationId = operationIdFor('acme', undefined);
    await Promise.all([keep({ operationId }), keep({ operationId })]);
    await keep({ operationId });
    const id = `${operationId}.COMPLETE`;
    await takeTurns(2);
    expect(told).toMatchObject([{ event: { eventType: 'COMPLETE' }, authorization: 'Bearer secret' }]);
    expect(await store.get(id)).toMatchObject({ state: 'processed', attempts: 1 });
  });

  test('is posted by one of two turns at the same time', async () => {
    await keep();
    await Promise.all([takeTurn(), takeTurn(), takeTurn()]);
    expect(told).toHaveLength(1);
  });

  test.each(['COMPLETE', 'FAIL', 'ABORT'] as const)('of type %s comes after the START of its run', async (type) => {
    const operationId = operationIdFor('acme', undefined);
    await keep({ operationId, type: 'START', output: null });
    later(1);
    await keep({ operationId, type, output: null });
    // The first is not taken at first: the second waits with it, whoever takes a turn, and both come in the end.
    answer = (response) => void response.writeHead(503).end();
    await takeTurn();
    await Promise.all([takeTurn(), takeTurn()]);
    expect(told.map(({ event }) => event['eventType'])).toEqual(['START']);
    answer = (response) => void response.writeHead(201).end();
    await takeTurns(3);
    expect(told.map(({ event }) => event['eventType'])).toEqual(['START', 'START', type]);
    const runs = new Set(told.map(({ event }) => (event['run'] as { runId: string }).runId));
    expect(runs.size).toBe(1);
  });

  test('is posted when its START is a dead letter, or was not kept', async () => {
    const operationId = operationIdFor('acme', undefined);
    const start = await keep({ operationId, type: 'START', output: null });
    later(1);
    await keep({ operationId });
    answer = (response) => void response.writeHead(told.at(-1)?.event['eventType'] === 'START' ? 422 : 200).end();
    await takeTurns(2);
    expect(await store.get(start)).toMatchObject({ state: 'dead' });
    expect(told.map(({ event }) => event['eventType'])).toEqual(['START', 'COMPLETE']);
    await requeue(store, start, now);
    answer = (response) => void response.writeHead(200).end();
    await takeTurns(1);
    expect(await store.get(start)).toMatchObject({ state: 'processed' });
  });

  test('whose catalogue is down for hours is posted in the end, and not tried each minute', async () => {
    let attempts = 0;
    const id = await keep();
    answer = (response) => {
      attempts += 1;
      response.socket?.destroy();
    };
    await takeTurns(4 * 60);
    expect(attempts).toBeLessThan(12);
    expect(await store.get(id)).toMatchObject({ state: 'received', reason: 'The catalogue can not be reached.' });
    answer = (response) => void response.writeHead(200).end();
    await takeTurns(60);
    expect(await store.get(id)).toMatchObject({ state: 'processed' });
  });

  test('that is answered slowly is posted again, and not lost', async () => {
    const id = await keep();
    // It answers nothing, for longer than anybody waits.
    answer = () => undefined;
    outbox = outboxTo(url, 50);
    await takeTurn();
    expect(await store.get(id)).toMatchObject({
      state: 'received',
      reason: 'The catalogue did not answer within 0.05 s.',
    });
    answer = (response) => void response.writeHead(200).end();
    outbox = outboxTo(url);
    await takeTurns(2);
    expect(await store.get(id)).toMatchObject({ state: 'processed', attempts: 2 });
  });

  test('that takes long does not hold up another', async () => {
    const [slow, quick] = [await keep(), await keep()];
    const answered = Promise.withResolvers<void>();
    answer = (response) => {
      if (told.length === 1) void answered.promise.then(() => response.writeHead(200).end());
      else {
        response.writeHead(200).end();
        answered.resolve();
      }
    };
    await takeTurn();
    expect((await Promise.all([slow, quick].map((id) => store.get(id)))).map((one) => one?.state)).toEqual([
      'processed',
      'processed',
    ]);
  });

  test('that is answered 500 for six hours is a dead letter, and posted when it is redriven', async () => {
    const id = await keep();
    answer = (response) => void response.writeHead(500).end();
    await takeTurns(7 * 60);
    expect(told).toHaveLength(12);
    expect((await store.list('dead', { limit: 10 })).items).toMatchObject([
      { eventId: id, state: 'dead', attempts: 12, reason: 'The catalogue answered 500.' },
    ]);

    answer = (response) => void response.writeHead(200).end();
    expect(await requeue(store, id, now)).toMatchObject({ state: 'received', attempts: 1 });
    await expect(requeue(store, id, now)).rejects.toMatchObject({ code: 'conflict' });
    await takeTurns(1);
    expect(await store.get(id)).toMatchObject({ state: 'processed' });
    await expect(requeue(store, 'op_none.START', now)).rejects.toMatchObject({ code: 'not_found' });
  });

  test.each([400, 413, 422])('that is answered %d is a dead letter at once', async (status) => {
    const id = await keep();
    answer = (response) => void response.writeHead(status).end();
    await takeTurn();
    expect(await store.get(id)).toMatchObject({
      state: 'dead',
      attempts: 1,
      reason: `The catalogue answered ${status}.`,
    });
    await requeue(store, id, now);
    answer = (response) => void response.writeHead(200).end();
    await takeTurns(1);
  });

  test('whose catalogue does not take the token waits for another one', async () => {
    const id = await keep();
    answer = (response) => void response.writeHead(401).end();
    await takeTurn();
    expect(await store.get(id)).toMatchObject({ state: 'received', attempts: 1 });
    answer = (response) => void response.writeHead(200).end();
    await takeTurns(2);
    expect(await store.get(id)).toMatchObject({ state: 'processed', attempts: 2 });
  });
});
