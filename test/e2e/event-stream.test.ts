import { expect, test } from 'vitest';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { Client, streamedEvents } from './client.ts';

const client = new Client();

test('a stream that is cut after any event and resumed by its id has no gap and no duplicate', async () => {
  const { operationId, events } = await client.createGraph(companiesGraph());
  for (const { seq: cut } of events) {
    const before: number[] = [];
    for await (const { seq } of streamedEvents(await client.stream(operationId, 0))) {
      before.push(seq);
      if (seq === cut) break;
    }
    const after = await client.follow(operationId, cut);
    expect([...before, ...after.map(({ seq }) => seq)]).toEqual(events.map(({ seq }) => seq));
  }
});

test('a stream that is cut after each event while the work goes on misses nothing', async () => {
  const { body } = await client.call('/v1/graphs', { body: companiesGraph() });
  const operationId = body['operationId'] as string;
  const seen: number[] = [];
  for (let status = ''; status !== 'succeeded'; ) {
    for await (const event of streamedEvents(await client.stream(operationId, seen.at(-1) ?? 0))) {
      seen.push(event.seq);
      status = event.status;
      break;
    }
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('a stream cut at every byte resumes from the last whole event', async () => {
  const { operationId, events } = await client.createGraph(plainGraph());
  const whole = await (await client.stream(operationId, 0)).text();
  for (let cut = 0; cut < whole.length; cut += 1) {
    // What a client has of a cut stream are the events whose blank line has come.
    const received = [...whole.slice(0, cut).matchAll(/id: (\d+)\nevent: .*\ndata: .*\n\n/g)].map(([, id]) =>
      Number(id),
    );
    const rest = events.filter(({ seq }) => seq > (received.at(-1) ?? 0)).map(({ seq }) => seq);
    expect([...received, ...rest]).toEqual(events.map(({ seq }) => seq));
  }
  expect(whole.startsWith('retry: 1000\n\n')).toBe(true);
  expect(whole.endsWith('event: end\ndata: {}\n\n')).toBe(true);
});

test('?after= starts a stream too, and the header wins over it', async () => {
  const { operationId, events } = await client.createGraph(plainGraph());
  const last = events.length;
  const byQuery = await client.fetch(`/v1/operations/${operationId}/events?after=${last - 2}`, {
    headers: { accept: 'text/event-stream' },
  });
  expect(byQuery.headers.get('content-type')).toBe('text/event-stream');
  expect([...(await byQuery.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([last - 1, last]);
  const byHeader = await client.fetch(`/v1/operations/${operationId}/events?after=0`, {
    headers: { accept: 'text/event-stream', 'last-event-id': String(last - 1) },
  });
  expect([...(await byHeader.text()).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual([last]);
});

test('who has the last event is told to stay away (204)', async () => {
  const { operationId, events } = await client.createGraph(plainGraph());
  expect((await client.stream(operationId, events.length)).status).toBe(204);
});

test('a page of events tells what to ask for next, and when there is nothing more', async () => {
  const { operationId, events } = await client.createGraph(plainGraph());
  const first = await client.call(`/v1/operations/${operationId}/events?limit=2`);
  expect(first.body).toMatchObject({ next: 2, terminal: false });
  const second = await client.call(`/v1/operations/${operationId}/events?after=2`);
  expect(second.body).toMatchObject({ next: events.length, terminal: true });
  expect([...(first.body['events'] as unknown[]), ...(second.body['events'] as unknown[])]).toEqual(events);
  const nothing = await client.call(`/v1/operations/${operationId}/events?after=${events.length}`);
  expect(nothing.body).toEqual({ events: [], next: events.length, terminal: true });
});

test('a Last-Event-ID that is none is refused', async () => {
  const { operationId } = await client.createGraph(plainGraph());
  const answer = await client.call(`/v1/operations/${operationId}/events`, {
    headers: { accept: 'text/event-stream', 'last-event-id': 'abc' },
  });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'invalid_request', errors: [{ path: 'Last-Event-ID' }] });
});
