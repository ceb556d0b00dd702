import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closePool, openPool } from '../../../domain/billing/credit-debts.ts';
import type { CreditPool } from '../../../domain/billing/credits.ts';
import { DynamoCreditDebtStore } from '../../../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { Refusal } from '../../../domain/failure.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const TENANT = 'acme';
const DAY_MS = 24 * 60 * 60 * 1_000;

let started: Awaited<ReturnType<typeof startControlTable>>;
let credits: DynamoCreditStore;
let debts: DynamoCreditDebtStore;
let now = new Date('2026-01-01T00:00:00Z');
beforeAll(async () => {
  started = await startControlTable();
  credits = new DynamoCreditStore(started.table, () => now);
  debts = new DynamoCreditDebtStore(started.table, () => now);
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

describe('what a pool had spent when it went', () => {
  let tenants = 0;
  const newTenant = () => {
    tenants += 1;
    const tenantId = `debtor-${tenants}`;
    const of = (pool: string) => ({ tenantId, kind: 'graphs', pool });
    return {
      open: (pool: string, amount = 1_000) => openPool({ credits, debts }, of(pool), { key: `op_${pool}`, amount }),
      close: (pool: string) => closePool({ credits, debts }, of(pool)),
      spend: (pool: string, amount: number) => credits.consume(tenantId, pool, { key: `${pool} ${amount}`, amount }),
      late: (pool: string) => debts.takeOver(tenantId, 'graphs', pool, 1_000),
    };
  };

  test('is spent of the next: deleting and creating gives nothing back', async () => {
    const { open, close, spend } = newTenant();
    let left = (await open('kg0')).balance;
    for (let at = 0; at < 5; at += 1) {
      left = (await spend(`kg${at}`, 200)).balance;
      await close(`kg${at}`);
      await close(`kg${at}`);
      const next = await open(`kg${at + 1}`);
      await open(`kg${at + 1}`);
      expect(next).toEqual({ graphId: `kg${at + 1}`, allocated: 1_000, balance: left });
    }
    expect(left).toBe(0);
  });

  test('is taken over once, by those that come next, as far as their credits reach', async () => {
    const { open, close, spend } = newTenant();
    await open('large', 5_000);
    await spend('large', 2_500);
    await close('large');
    const next = await Promise.all([1, 2, 3, 4].map((at) => open(`kg${at}`)));
    expect(next.map(({ balance }) => balance).sort((one, other) => one - other)).toEqual([0, 0, 500, 1_000]);
  });

  test('is owed again by whoever took it over and was undone, and a run that is late takes nothing', async () => {
    const { open, close, spend, late } = newTenant();
    await open('kg0');
    await spend('kg0', 600);
    await close('kg0');
    await open('undone');
    await close('undone');
    await expect(late('undone')).rejects.toMatchObject({ name: 'Terminal' });
    expect((await open('kg1')).balance).toBe(400);
  });

  test('is owed again when whoever takes it over is undone in the middle of that', async () => {
    const { open, close, spend } = newTenant();
    await open('kg0');
    await spend('kg0', 600);
    await close('kg0');
    const undoneMeanwhile = Object.assign(Object.create(credits) as DynamoCreditStore, {
      allocate: async (...given: Parameters<DynamoCreditStore['allocate']>) => {
        const pool = await credits.allocate(...given);
        await close('late');
        return pool;
      },
      carry: (...given: Parameters<DynamoCreditStore['carry']>) => credits.carry(...given),
    });
    const late = { tenantId: `debtor-${tenants}`, kind: 'graphs', pool: 'late' };
    await expect(
      openPool({ credits: undoneMeanwhile, debts }, late, { key: 'op_late', amount: 1_000 }),
    ).rejects.toMatchObject({ name: 'Terminal' });
    expect((await open('kg1')).balance).toBe(400);
  });

  test('is never more than was spent, however many graphs come and go, and is kept when they are not known any more', async () => {
    const { open, close, spend } = newTenant();
    await open('kg0');
    await spend('kg0', 300);
    await close('kg0');
    for (let at = 1; at < 5; at += 1) {
      now = new Date(now.getTime() + 2 * DAY_MS);
      expect((await open(`kg${at}`)).balance).toBe(700);
      await close(`kg${at}`);
    }
  });
});

test('credits that are taken away after they were spent are owed: the balance is zero until as many are added again', async () => {
  const graphId = newGraph();
  await credits.allocate(TENANT, graphId, { key: 'op_1', amount: 5_000 });
  await credits.consume(TENANT, graphId, { key: 'k', amount: 3_000 });
  const smaller = await credits.allocate(TENANT, graphId, { key: 'op_2', amount: -4_000 });
  expect(smaller).toEqual({ graphId, allocated: 1_000, balance: 0 });
  await expect(credits.consume(TENANT, graphId, { key: 'k2', amount: 1 })).rejects.toMatchObject({
    code: 'payment_required',
  });
  const again = await credits.allocate(TENANT, graphId, { key: 'op_3', amount: 4_000 });
  expect(again).toEqual({ graphId, allocated: 5_000, balance: 2_000 });
});
