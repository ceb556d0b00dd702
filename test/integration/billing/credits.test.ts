import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CreditPool } from '../../../domain/billing/credits.ts';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { Refusal } from '../../../domain/failure.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const TENANT = 'acme';
const DAY_MS = 24 * 60 * 60 * 1_000;

let started: Awaited<ReturnType<typeof startControlTable>>;
let credits: DynamoCreditStore;
let now = new Date('2026-01-01T00:00:00Z');
beforeAll(async () => {
  started = await startControlTable();
  credits = new DynamoCreditStore(started.table, () => now);
});
afterAll(() => started.close());

let count = 0;
const newGraph = () => {
  count += 1;
  return `kg${count}`;
};

describe('a pool of credits', () => {
  test('whatever is allocated and consumed, at once and twice, the balance is what is left and never below zero', async () => {
    const movement = fc.record({
      kind: fc.constantFrom('allocate' as const, 'consume' as const),
      key: fc.constantFrom(...'abcdefgh'),
      times: fc.integer({ min: 1, max: 3 }),
    });
    // A key is one movement, so its amount is a matter of the key.
    const amountOf = (kind: string, key: string) => (key.charCodeAt(0) - 96) * (kind === 'allocate' ? 10 : 7);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(movement, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
        async (rounds) => {
          const graphId = newGraph();
          await credits.allocate(TENANT, graphId, { key: 'first', amount: 20 });
          const done = { allocate: new Set<string>(), consume: new Set<string>() };
          for (const round of rounds) {
            const calls = round.flatMap(({ kind, key, times }) => Array.from({ length: times }, () => ({ kind, key })));
            await Promise.all(
              calls.map(async ({ kind, key }) => {
                try {
                  await credits[kind](TENANT, graphId, { key, amount: amountOf(kind, key) });
                  done[kind].add(key);
                } catch (error) {
                  expect(error).toMatchObject({ name: 'Refusal', code: 'payment_required' });
                }
              }),
            );
            const sum = (kind: keyof typeof done) => [...done[kind]].reduce((all, key) => all + amountOf(kind, key), 0);
            const allocated = 20 + sum('allocate');
            const pool = await credits.get(TENANT, graphId);
            expect(pool).toEqual({ graphId, allocated, balance: allocated - sum('consume') });
            expect(pool?.balance).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('20 consumptions at once of a pool for 10: 10 go through, the rest hear that there is not enough', async () => {
    const graphId = newGraph();
    await credits.allocate(TENANT, graphId, { key: 'first', amount: 100 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, at) => credits.consume(TENANT, graphId, { key: `k${at}`, amount: 10 })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await credits.get(TENANT, graphId)).toMatchObject({ balance: 0 });
  });

  test('a key that comes with another amount is refused', async () => {
    const graphId = newGraph();
    await credits.allocate(TENANT, graphId, { key: 'first', amount: 100 });
    await credits.consume(TENANT, graphId, { key: 'k', amount: 10 });
    for (const call of ['allocate', 'consume'] as const) {
      const key = call === 'allocate' ? 'first' : 'k';
      await expect(credits[call](TENANT, graphId, { key, amount: 11 })).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      });
    }
  });

  test('once it is revoked nothing brings it back: no allocation that is late, no consumption', async () => {
    const graphId = newGraph();
    await credits.allocate(TENANT, graphId, { key: 'op_1', amount: 100 });
    await credits.revoke(TENANT, graphId);
    await credits.revoke(TENANT, graphId);
    await expect(credits.allocate(TENANT, graphId, { key: 'op_1', amount: 100 })).rejects.toMatchObject({
      name: 'Terminal',
    });
    await expect(credits.consume(TENANT, graphId, { key: 'k', amount: 1 })).rejects.toBeInstanceOf(Refusal);
    expect(await credits.get(TENANT, graphId)).toBeUndefined();
  });

  test('revoked before it is allocated, it is never there', async () => {
    const graphId = newGraph();
    await credits.revoke(TENANT, graphId);
    await expect(credits.allocate(TENANT, graphId, { key: 'op_1', amount: 100 })).rejects.toMatchObject({
      name: 'Terminal',
    });
    expect(await credits.get(TENANT, graphId)).toBeUndefined();
  });

  test('its keys are known for a day, then they are folded away, and the balance stays', async () => {
    const graphId = newGraph();
    now = new Date('2026-02-01T00:00:00Z');
    await credits.allocate(TENANT, graphId, { key: 'op_1', amount: 1_000 });
    for (let at = 0; at < 60; at += 1) await credits.consume(TENANT, graphId, { key: `k${at}`, amount: 1 });
    now = new Date(now.getTime() + DAY_MS - 1);
    expect((await credits.consume(TENANT, graphId, { key: 'k0', amount: 1 })).balance).toBe(940);
    now = new Date(now.getTime() + 2);
    let pool: CreditPool | undefined;
    for (let at = 0; at < 3; at += 1) pool = await credits.consume(TENANT, graphId, { key: `new${at}`, amount: 1 });
    expect(pool).toEqual({ graphId, allocated: 1_000, balance: 937 });
    const { GetCommand } = await import('@aws-sdk/lib-dynamodb');
    const { Item } = await started.table.documents.send(
      new GetCommand({ TableName: started.table.tableName, Key: { pk: `TENANT#${TENANT}`, sk: `CREDIT#${graphId}` } }),
    );
    expect(Object.keys(Item?.['consumptions'] as object).length).toBeLessThan(20);
    // The allocation is not forgotten: a step that is late does not allocate twice.
    expect((await credits.allocate(TENANT, graphId, { key: 'op_1', amount: 1_000 })).balance).toBe(937);
  });
});
