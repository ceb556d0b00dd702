import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoAccountStore } from '../../../domain/billing/dynamo-account-store.ts';
import { DynamoGraphQuota } from '../../../domain/billing/dynamo-graph-quota.ts';
import { PaymentGate } from '../../../domain/billing/payment-gate.ts';
import { DEFAULT_FLAGS } from '../../../domain/flags/feature-flags.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const GATE_IS_CLOSED = { get: async () => DEFAULT_FLAGS };
const NEVER = Number.MAX_SAFE_INTEGER;

let table: ControlTableClient;
let close: () => Promise<void>;
let reads = 0;
let nowMs = 0;

class CountingQuota extends DynamoGraphQuota {
  override async count(tenantId: string) {
    reads += 1;
    return super.count(tenantId);
  }
}

beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());
beforeEach(() => {
  reads = 0;
});

/** A gate of a tenant with one live subscription. */
const gateOf = async (tenantId: string, plan: string) => {
  const accounts = new DynamoAccountStore(table);
  await accounts.open(tenantId, 'sub');
  await accounts.moveStanding(tenantId, 'sub', { status: 'live', mark: 'm' });
  await accounts.moveTerms(tenantId, 'sub', { plan, periodEnd: null, mark: 'm' });
  return new PaymentGate(accounts, new CountingQuota(table), GATE_IS_CLOSED, () => nowMs);
};

const addGraphs = async (tenantId: string, howMany: number) => {
  const quota = new DynamoGraphQuota(table);
  for (let at = 0; at < howMany; at += 1) await quota.admit(tenantId, `kg${at}`, NEVER);
};

test('one that is near its limit is counted each time: the graph after the last is refused at once', async () => {
  const gate = await gateOf('near', 'starter');
  await addGraphs('near', 9);
  expect(await gate.admitGraph('near')).toEqual({ maxGraphs: 10 });
  await addGraphs('near', 10);
  expect((await gate.admitGraph('near')).refusal).toMatchObject({ code: 'limit_reached' });
});

test('one that is far from its limit is counted every 2 s', async () => {
  const gate = await gateOf('far', 'enterprise');
  for (let at = 0; at < 20; at += 1) expect(await gate.admitGraph('far')).toEqual({ maxGraphs: 10_000 });
  expect(reads).toBe(1);
  nowMs += 2_000;
  await gate.admitGraph('far');
  expect(reads).toBe(2);
});

test('a tenant without a live subscription is refused, and not counted', async () => {
  const gate = new PaymentGate(new DynamoAccountStore(table), new CountingQuota(table), GATE_IS_CLOSED);
  expect((await gate.admitGraph('nobody')).refusal).toMatchObject({ code: 'payment_required' });
  expect(reads).toBe(0);
});
