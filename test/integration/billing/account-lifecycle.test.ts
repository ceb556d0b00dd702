import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNT, AccountLifecycle, remindOfUse } from '../../../domain/billing/account-lifecycle.ts';
import { DynamoAccountStore } from '../../../domain/billing/dynamo-account-store.ts';
import { DynamoCreditDebtStore } from '../../../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { DynamoOrderStore } from '../../../domain/billing/dynamo-order-store.ts';
import { DynamoReminderStore } from '../../../domain/billing/dynamo-reminder-store.ts';
import type { BillingStatus } from '../../../domain/billing/subscription.ts';
import { Subscriptions } from '../../../domain/billing/subscriptions.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import { creditPoolOf } from '../../../domain/repository/repository-access.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const NEVER_RUN: Workflows = { start: async () => {}, stop: async () => {}, stateOf: async () => 'running' };
const REPOSITORY = 'filings';
const ACCESS_OPERATION = 'op_access';

let close: () => Promise<void>;
let accounts: DynamoAccountStore;
let graphs: DynamoGraphStore;
let accesses: DynamoRepositoryAccessStore;
let credits: DynamoCreditStore;
let debts: DynamoCreditDebtStore;
let operations: OperationLog;
let reminders: DynamoReminderStore;
let lifecycle: AccountLifecycle;
let billing: Subscriptions;
let now: Date;

beforeAll(async () => {
  const { table, ...started } = await startControlTable();
  close = started.close;
  accounts = new DynamoAccountStore(table);
  graphs = new DynamoGraphStore(table);
  accesses = new DynamoRepositoryAccessStore(table);
  credits = new DynamoCreditStore(table);
  debts = new DynamoCreditDebtStore(table);
  reminders = new DynamoReminderStore(table);
  operations = new OperationLog(new DynamoOperationStore(table));
  const common = { commands: new OperationCommands(operations, NEVER_RUN), retentionDays: 30, now: () => now };
  const stores = { accounts, graphs, reminders };
  lifecycle = new AccountLifecycle({ ...common, ...stores, accesses, credits, debts });
  billing = new Subscriptions({ ...common, ...stores, operations, lifecycle, orders: new DynamoOrderStore(table) });
});
afterAll(() => close());

let count = 0;
let tenantId: string;
beforeEach(() => {
  count += 1;
  tenantId = `tenant-${count}`;
  now = new Date('2026-03-01T00:00:00Z');
});

/** What the billing provider says; it says it at the time that it is now, unless told otherwise. */
const says = (subscriptionId: string, status: BillingStatus, at = now.toISOString(), periodEnd: string | null = null) =>
  billing.record({
    eventId: `evt_${subscriptionId}_${status}_${at}`,
    at,
    tenantId,
    subscriptionId,
    status,
    plan: 'team',
    periodEnd,
    order: 'none',
  });

/** A graph that POST /v1/graphs made. */
const usedGraph = async (subscriptionId: string | null = null): Promise<string> => {
  const graph = graphRequestedBy(acceptedEvent({ tenantId }));
  const writer = writerOf(graph.createdBy);
  await graphs.create({ ...graph, subscriptionId });
  await graphs.publish(graph.graphId, writer, newSnapshot(graph.graphId, 1, { checksum: 'aa', bytes: 1 }));
  await graphs.activate(graph.graphId, writer);
  return graph.graphId;
};

const usedAccess = async () => {
  const own = { tenantId, repository: REPOSITORY, operationId: ACCESS_OPERATION } as const;
  await accesses.grant({ ...own, plan: 'reader', graphId: 'kg1', status: 'granting', grantedAt: now.toISOString() });
  await credits.allocate(tenantId, creditPoolOf(REPOSITORY, ACCESS_OPERATION), {
    key: ACCESS_OPERATION,
    amount: 1_000,
  });
  await accesses.activate(tenantId, REPOSITORY, ACCESS_OPERATION);
};

const statusOf = async (graphId: string) => (await graphs.get(graphId))?.status;
const statusesOf = (graphIds: readonly string[]) => Promise.all(graphIds.map(statusOf));
const statusOfAccess = async () => (await accesses.get(tenantId, REPOSITORY))?.status;
const later = (days: number, minutes = 1) => {
  now = new Date(now.getTime() + days * 86_400_000 + minutes * 60_000);
};
const deletions = async () =>
  (await operations.list(tenantId, { kind: 'graph.delete' }, { limit: 10 })).items.map((one) => one.graphId);

describe('what the account as a whole pays for', () => {
  test('is suspended when the last of its subscriptions has ended, and not before', async () => {
    await says('sub_1', 'live');
    await says('sub_2', 'live');
    const graphId = await usedGraph();
    await usedAccess();
    await says('sub_1', 'canceled');
    expect(await statusOf(graphId)).toBe('active');
    await says('sub_2', 'canceled', now.toISOString(), '2026-03-05T00:00:00Z');
    expect(await statusOf(graphId)).toBe('active');
    later(4);
    await billing.takeTurn(100);
    expect(await statusOf(graphId)).toBe('suspended');
    expect(await statusOfAccess()).toBe('suspended');
  });

  test('comes back into use when any subscription is paid again', async () => {
    await says('sub_1', 'live');
    const graphId = await usedGraph();
    await usedAccess();
    await says('sub_1', 'canceled');
    expect([await statusOf(graphId), await statusOfAccess()]).toEqual(['suspended', 'suspended']);
    later(0);
    await says('sub_2', 'live');
    expect([await statusOf(graphId), await statusOfAccess()]).toEqual(['active', 'active']);
    later(60);
    await billing.takeTurn(100);
    expect(await statusOf(graphId)).toBe('active');
    expect((await reminders.get(tenantId, ACCOUNT)).dueAt).toBeNull();
  });

  test('stays in use while a subscription is only owed, and leaves alone what has a subscription of its own', async () => {
    await says('sub_1', 'live');
    const own = await usedGraph('sub_own');
    const graphId = await usedGraph();
    await says('sub_1', 'past_due');
    later(40);
    await billing.takeTurn(100);
    expect(await statusesOf([own, graphId])).toEqual(['active', 'active']);
    await says('sub_1', 'canceled');
    expect(await statusesOf([own, graphId])).toEqual(['active', 'suspended']);
  });

  test('is deleted after the retention, the access with its credits', async () => {
    await says('sub_1', 'live');
    const graphId = await usedGraph();
    await usedAccess();
    await says('sub_1', 'canceled');
    later(29);
    await billing.takeTurn(100);
    expect(await deletions()).toEqual([]);
    expect(await statusOfAccess()).toBe('suspended');
    later(1);
    await billing.takeTurn(100);
    await billing.takeTurn(100);
    expect(await deletions()).toEqual([graphId]);
    expect(await statusOfAccess()).toBeUndefined();
    expect(await credits.get(tenantId, creditPoolOf(REPOSITORY, ACCESS_OPERATION))).toBeUndefined();
  });

  test('is nothing any more once all of it is gone: nobody looks again', async () => {
    await says('sub_1', 'live');
    await says('sub_1', 'canceled');
    expect((await reminders.get(tenantId, ACCOUNT)).dueAt).toBeNull();
  });
});

describe('billing events', () => {
  test('that come late, twice, at once and out of order leave what the newest says', async () => {
    await says('sub_1', 'live', '2026-03-01T00:00:00Z');
    const graphIds = await Promise.all([1, 2, 3].map(() => usedGraph()));
    const events = [
      ['live', '2026-03-01T00:00:03Z'],
      ['canceled', '2026-03-01T00:00:02Z'],
      ['canceled', '2026-03-01T00:00:01Z'],
      ['past_due', '2026-03-01T00:00:01Z'],
    ] as const;
    now = new Date('2026-03-01T00:01:00Z');
    await Promise.all([...events, ...events, ...events].map(([status, at]) => says('sub_1', status, at)));
    later(0, 10);
    await billing.takeTurn(100);
    expect(await statusesOf(graphIds)).toEqual(['active', 'active', 'active']);
    await Promise.all([...events].reverse().map(([status, at]) => says('sub_1', status, at)));
    expect(await statusesOf(graphIds)).toEqual(['active', 'active', 'active']);
  });

  test('a run that has read the account before it was paid again suspends nothing', async () => {
    await says('sub_1', 'live');
    const graphId = await usedGraph();
    let paid = false;
    // It has read the account, and is held up before its first write on a graph.
    const slow = new AccountLifecycle({
      accounts,
      reminders,
      accesses,
      credits,
      debts,
      commands: new OperationCommands(operations, NEVER_RUN),
      retentionDays: 30,
      now: () => now,
      graphs: {
        listPayers: (tenant, page) => graphs.listPayers(tenant, page),
        followStanding: async (...follow) => {
          if (!paid) {
            paid = true;
            later(0);
            await says('sub_1', 'live');
          }
          return graphs.followStanding(...follow);
        },
      },
    });
    await accounts.moveStanding(tenantId, 'sub_1', { status: 'canceled', mark: `${now.toISOString()}#3#evt` });
    await slow.settle(tenantId);
    expect(paid).toBe(true);
    expect(await statusOf(graphId)).toBe('active');
  });
});

describe('many graphs', () => {
  test('are gone through a page a run, and a payment in the middle brings back all', async () => {
    await says('sub_1', 'live');
    const graphIds = await Promise.all(Array.from({ length: 105 }, () => usedGraph()));
    const suspended = async () => (await statusesOf(graphIds)).filter((status) => status === 'suspended').length;
    await says('sub_1', 'canceled');
    expect(await suspended()).toBe(100);
    later(0);
    await billing.takeTurn(100);
    expect(await suspended()).toBe(105);
    await says('sub_1', 'live');
    expect(await suspended()).toBe(5);
    later(0);
    await billing.takeTurn(100);
    expect(await suspended()).toBe(0);
  });

  test('a run that dies between its page and the reminder of the next is gone on with', async () => {
    await says('sub_1', 'live');
    const graphId = await usedGraph();
    await accounts.moveStanding(tenantId, 'sub_1', { status: 'canceled', mark: `${now.toISOString()}#3#evt` });
    const dying = new AccountLifecycle({
      accounts,
      reminders,
      accesses,
      credits,
      debts,
      commands: new OperationCommands(operations, NEVER_RUN),
      retentionDays: 30,
      now: () => now,
      graphs: { ...graphs, listPayers: () => Promise.reject(new Error('killed')), followStanding: async () => true },
    });
    await expect(dying.settle(tenantId)).rejects.toThrow('killed');
    later(0, 6);
    await billing.takeTurn(100);
    expect(await statusOf(graphId)).toBe('suspended');
  });
});

test('a graph that comes into use after its account has ended is looked at once more', async () => {
  await says('sub_1', 'live');
  await says('sub_1', 'canceled', '2026-03-01T00:00:01Z');
  now = new Date();
  await billing.takeTurn(100);
  const graphId = await usedGraph();
  expect(await statusOf(graphId)).toBe('active');
  await remindOfUse(accounts, reminders, tenantId);
  later(0);
  await billing.takeTurn(100);
  expect(await statusOf(graphId)).toBe('suspended');
});
