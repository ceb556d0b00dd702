import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';

const client = new Client();

test('the same Idempotency-Key 50 times at once makes one graph', async () => {
  const name = `Once ${randomUUID()}`;
  const headers = { 'idempotency-key': randomUUID() };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => client.call('/v1/graphs', { body: companiesGraph({ name }), headers })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 202));
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1);

  const { operationId, graphId } = (answers[0]?.body ?? {}) as { operationId: string; graphId: string };
  expect((await client.follow(operationId)).at(-1)?.status).toBe('succeeded');
  expect((await client.query(graphId, 'MATCH (c:Company) RETURN count(c)')).body).toMatchObject({ rows: [[1]] });
  const operations = await client.call(`/v1/operations?graphId=${graphId}&limit=100`);
  expect(operations.body['operations']).toHaveLength(1);
});

test('the order of fields does not make a body another one', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const first = await client.call('/v1/graphs', { text: '{"name":"A","tags":{"x":"1","y":"2"}}', headers });
  const again = await client.call('/v1/graphs', { text: '{"tags":{"y":"2","x":"1"},"name":"A"}', headers });
  expect(again.status).toBe(202);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  await client.follow(first.body['operationId'] as string);
});

test('the same key with another body is refused, before and after the operation is over', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const first = await client.call('/v1/graphs', { body: plainGraph({ name: 'One' }), headers });
  const early = await client.call('/v1/graphs', { body: plainGraph({ name: 'Two' }), headers });
  await client.follow(first.body['operationId'] as string);
  const late = await client.call('/v1/graphs', { body: plainGraph({ name: 'Two' }), headers });
  for (const { status, body } of [early, late]) {
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'idempotency_key_reused', operationId: first.body['operationId'] });
  }
});

test("another tenant's key is another key", async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const mine = await client.call('/v1/graphs', { body: plainGraph(), headers });
  const theirs = await client.call('/v1/graphs', {
    body: plainGraph(),
    headers,
    token: client.target.tokens.otherTenant,
  });
  expect(theirs.status).toBe(202);
  expect(theirs.body['operationId']).not.toBe(mine.body['operationId']);
  await client.follow(mine.body['operationId'] as string);
});
