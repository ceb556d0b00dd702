import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccountLifecycle } from '../../../domain/billing/account-lifecycle.ts';
import { DynamoAccountStore } from '../../../domain/billing/dynamo-account-store.ts';
import { DynamoCreditDebtStore } from '../../../domain/billing/dynamo-credit-debt-store.ts';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { DynamoOrderStore } from '../../../domain/billing/dynamo-order-store.ts';
import { DynamoReminderStore } from '../../../domain/billing/dynamo-reminder-store.ts';
import { type Subscription, statusOf } from '../../../domain/billing/subscription.ts';
import { type BillingFact, Subscriptions } from '../../../domain/billing/subscriptions.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { type GraphRequest, graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { executionName, type Workflows } from '../../../domain/operation/workflows.ts';
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

/** Executions that are started and do nothing: a test plays their steps. */
class StartedWorkflows implements Workflows {
  readonly started = new Set<string>();
  failing = false;

  async start(attempt: Parameters<Workflows['start']>[0]) {
    if (this.failing) throw new Error('Step Functions does not answer');
    this.started.add(executionName(attempt));
  }

  async stop() {}

  async stateOf() {
    return 'running' as const;
  }
}

const SUBSCRIPTION = 'sub_1';
const DAY_MS = 24 * 60 * 60 * 1_000;
const order = acceptedEvent().request as GraphRequest;

let close: () => Promise<void>;
let accounts: DynamoAccountStore;
let graphs: DynamoGraphStore;
let operations: OperationLog;
let reminders: DynamoReminderStore;
let dependencies: ConstructorParameters<typeof Subscriptions>[0];
let billing: Subscriptions;
const workflows = new StartedWorkflows();
let now = new Date('2026-03-01T00:00:00Z');

beforeAll(async () => {
  const { table, ...started } = await startControlTable();
  close = started.close;
  accounts = new DynamoAccountStore(table);
  graphs = new DynamoGraphStore(table);
  reminders = new DynamoReminderStore(table);
  operations = new OperationLog(new DynamoOperationStore(table));
  const common = { commands: new OperationCommands(operations, workflows), retentionDays: 30, now: () => now };
  const accesses = new DynamoRepositoryAccessStore(table);
  const pools = { credits: new DynamoCreditStore(table), debts: new DynamoCreditDebtStore(table) };
  const lifecycle = new AccountLifecycle({ ...common, ...pools, accounts, graphs, reminders, accesses });
  dependencies = { ...common, accounts, graphs, operations, reminders, lifecycle, orders: new DynamoOrderStore(table) };
  billing = new Subscriptions(dependencies);
});
afterAll(() => close());

let count = 0;
const newTenant = () => {
  count += 1;
  return `tenant-${count}`;
};

const fact = (tenantId: string, own: Partial<BillingFact> = {}): BillingFact => ({
  eventId: 'evt_1',
  at: '2026-03-01T00:00:00Z',
  tenantId,
  subscriptionId: SUBSCRIPTION,
  status: 'live',
  plan: 'starter',
  periodEnd: '2026-04-01T00:00:00.000Z',
  order: null,
  ...own,
});

const subscriptionOf = async (tenantId: string): Promise<Subscription> => {
  const [subscription] = (await accounts.get(tenantId)).subscriptions;
  if (subscription === undefined) throw new Error('No subscription');
  return subscription;
};

const operationsOf = async (tenantId: string) =>
  (await operations.list(tenantId, {}, { limit: 100 })).items.filter(({ kind }) => kind === 'graph.create');

const provisioningOf = async (tenantId: string) => {
  const { provisioning } = await subscriptionOf(tenantId);
  const { operationId, graphId } = provisioning;
  if (operationId === null || graphId === null) throw new Error('Nothing is provisioned');
  return { operationId, graphId };
};

/** Plays the workflow to its end, well. */
const provisioned = async (tenantId: string): Promise<{ operationId: string; graphId: string }> => {
  const { operationId, graphId } = await provisioningOf(tenantId);
  await graphs.create(graphRequestedBy(await operations.first(operationId)));
  await graphs.publish(graphId, writerOf(operationId), newSnapshot(graphId, 1, { checksum: 'aa', bytes: 1 }));
  await operations.append(operationId, { type: 'started', message: 'Started' });
  expect(await accounts.activate(tenantId, SUBSCRIPTION, operationId)).toBe(true);
  expect(await graphs.activate(graphId, writerOf(operationId))).toBe(true);
  await operations.append(operationId, { type: 'succeeded', message: 'Done', result: {} });
  return { operationId, graphId };
};

/** Plays the workflow to its end, badly. */
const failed = async (tenantId: string): Promise<string> => {
  const { operationId } = await provisioningOf(tenantId);
  const error = { code: 'at_capacity', message: 'There is no room', retryable: false } as const;
  await operations.append(operationId, { type: 'compensating', message: 'Undoing', error });
  await accounts.fail(tenantId, SUBSCRIPTION, operationId, error.message);
  await operations.append(operationId, { type: 'failed', message: 'Undone', error });
  return operationId;
};

describe('the events of a subscription', () => {
  test('in any order, twice and at once leave the same subscription, and open one operation', async () => {
    const event = fc.record({
      second: fc.integer({ min: 0, max: 5 }),
      status: fc.constantFrom('live' as const, 'past_due' as const, 'canceled' as const, null),
      plan: fc.constantFrom('starter', 'team'),
      ordersGraph: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        async (events, order_) => {
          const tenants = [newTenant(), newTenant()];
          const ends = [];
          for (const [round, tenantId] of tenants.entries()) {
            const facts = events.map(({ second, status, plan, ordersGraph }, at) =>
              fact(tenantId, {
                eventId: `evt_${at}`,
                at: `2026-03-01T00:00:0${second}Z`,
                status,
                plan,
                order: ordersGraph ? order : null,
              }),
            );
            const twice = round === 0 ? facts : [...facts, ...facts].map((one) => ({ one, key: order_.next().value }));
            if (round === 0) for (const one of facts) await billing.record(one);
            else {
              const shuffled = (twice as { one: BillingFact; key: number }[]).sort(
                (left, right) => left.key - right.key,
              );
              await Promise.all(shuffled.map(({ one }) => billing.record(one)));
            }
            const { standing, terms } = await subscriptionOf(tenantId);
            ends.push({ standing, terms });
            expect((await operationsOf(tenantId)).length).toBeLessThanOrEqual(1);
            const wanted = facts.some((one) => one.order !== null) && standing?.status === 'live';
            if (wanted) expect(await operationsOf(tenantId)).toHaveLength(1);
          }
          expect(ends[1]).toEqual(ends[0]);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('an order that comes after the payment, and one that comes before it, are provisioned both', async () => {
    const paidFirst = newTenant();
    await billing.record(fact(paidFirst, { eventId: 'evt_paid' }));
    expect(statusOf(await subscriptionOf(paidFirst))).toBe('pending');
    await billing.record(fact(paidFirst, { eventId: 'evt_order', status: null, order }));
    expect(statusOf(await subscriptionOf(paidFirst))).toBe('provisioning');

    const orderedFirst = newTenant();
    await billing.record(fact(orderedFirst, { eventId: 'evt_order', status: null, order }));
    expect(statusOf(await subscriptionOf(orderedFirst))).toBe('pending');
    await billing.record(fact(orderedFirst, { eventId: 'evt_paid' }));
    expect(statusOf(await subscriptionOf(orderedFirst))).toBe('provisioning');
  });

  test('a change of the plan does not tell whether it is paid for', async () => {
    const tenantId = newTenant();
    await billing.record(fact(tenantId, { order: 'none' }));
    await billing.record(fact(tenantId, { eventId: 'evt_2', at: '2026-03-02T00:00:00Z', status: 'past_due' }));
    await billing.record(fact(tenantId, { eventId: 'evt_3', at: '2026-03-03T00:00:00Z', status: null, plan: 'team' }));
    expect(await subscriptionOf(tenantId)).toMatchObject({ standing: { status: 'past_due' }, terms: { plan: 'team' } });
  });
});

describe('the provisioning of a subscription', () => {
  test('that failed says why, and is tried again by the route, once however often it is asked', async () => {
    const tenantId = newTenant();
    await billing.record(fact(tenantId, { order }));
    const first = await failed(tenantId);
    expect(statusOf(await subscriptionOf(tenantId))).toBe('failed');
    expect((await subscriptionOf(tenantId)).provisioning.reason).toBe('There is no room');
    // A late step of the attempt that failed changes nothing.
    expect(await accounts.activate(tenantId, SUBSCRIPTION, first)).toBe(false);

    const again = await Promise.all([1, 2, 3].map(() => billing.provision(tenantId, SUBSCRIPTION)));
    expect(new Set(again.map(({ accepted }) => accepted.operationId)).size).toBe(1);
    expect(await operationsOf(tenantId)).toHaveLength(2);
    expect(await accounts.activate(tenantId, SUBSCRIPTION, first)).toBe(false);
    await accounts.fail(tenantId, SUBSCRIPTION, first, 'Late');
    expect(statusOf(await subscriptionOf(tenantId))).toBe('provisioning');
    await provisioned(tenantId);
    expect(statusOf(await subscriptionOf(tenantId))).toBe('active');
    await expect(billing.provision(tenantId, SUBSCRIPTION)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('that failed is tried again by the next event, and not by a look at it', async () => {
    const tenantId = newTenant();
    await billing.record(fact(tenantId, { order }));
    await failed(tenantId);
    await billing.settle(tenantId, SUBSCRIPTION);
    expect(statusOf(await subscriptionOf(tenantId))).toBe('failed');
    await billing.record(fact(tenantId, { eventId: 'evt_2', at: '2026-03-02T00:00:00Z' }));
    expect(statusOf(await subscriptionOf(tenantId))).toBe('provisioning');
  });

  test('that was begun and never opened, because a crash came between, is opened when its reminder is due', async () => {
    now = new Date('2026-03-01T00:00:00Z');
    const tenantId = newTenant();
    await billing.record(fact(tenantId, { order }));
    await failed(tenantId);
    // There is nothing to look at any more.
    now = new Date('2026-03-01T00:06:00Z');
    await billing.takeTurn(1_000);
    expect((await reminders.get(tenantId, SUBSCRIPTION)).dueAt).toBeNull();
    const accept = async () => Promise.reject(new Error('The process was killed'));
    const crashing = new Subscriptions({
      ...dependencies,
      commands: Object.assign(Object.create(dependencies.commands), { accept }) as OperationCommands,
    });
    await expect(crashing.provision(tenantId, SUBSCRIPTION)).rejects.toThrow('killed');
    expect(statusOf(await subscriptionOf(tenantId))).toBe('provisioning');
    expect(await operationsOf(tenantId)).toHaveLength(1);

    now = new Date('2026-03-01T00:12:00Z');
    await billing.takeTurn(1_000);
    expect(await operationsOf(tenantId)).toHaveLength(2);
    await provisioned(tenantId);
    expect(statusOf(await subscriptionOf(tenantId))).toBe('active');
  });

  test('whose operation ended without telling it is failed when its reminder is due', async () => {
    const tenantId = newTenant();
    await billing.record(fact(tenantId, { order }));
    const { operationId } = await provisioningOf(tenantId);
    const error = { code: 'internal', message: 'An undo failed', retryable: false } as const;
    await operations.append(operationId, { type: 'compensation_failed', message: 'An undo failed', error });
    await billing.settle(tenantId, SUBSCRIPTION);
    expect((await subscriptionOf(tenantId)).provisioning).toMatchObject({ status: 'failed', reason: 'An undo failed' });
  });
});

describe('the end of a subscription', () => {
  const ended = async () => {
    now = new Date('2026-03-01T00:00:00Z');
    const tenantId = newTenant();
    await billing.record(fact(tenantId, { order }));
    const { graphId } = await provisioned(tenantId);
    await billing.record(fact(tenantId, { eventId: 'evt_2', at: '2026-03-10T00:00:00Z', status: 'canceled' }));
    return { tenantId, graphId };
  };
  const statusOfGraph = async (graphId: string) => (await graphs.get(graphId))?.status;

  test('suspends its graph when the period is over, and a payment brings it back', async () => {
    const { tenantId, graphId } = await ended();
    await billing.takeTurn(1_000);
    expect(await statusOfGraph(graphId)).toBe('active');
    now = new Date('2026-04-01T00:00:01Z');
    await billing.takeTurn(1_000);
    expect(await statusOfGraph(graphId)).toBe('suspended');
    await billing.record(fact(tenantId, { eventId: 'evt_3', at: '2026-04-02T00:00:00Z', periodEnd: null }));
    expect(await statusOfGraph(graphId)).toBe('active');
    // A run that read the account before the payment comes too late.
    expect(await graphs.followStanding(graphId, 'suspended', '2026-03-10T00:00:00.000Z#3#evt_2')).toBe(false);
    now = new Date(now.getTime() + 90 * DAY_MS);
    await billing.takeTurn(1_000);
    expect(await statusOfGraph(graphId)).toBe('active');
  });

  test('deletes its graph when it was kept long enough, by one operation a day', async () => {
    const { tenantId, graphId } = await ended();
    now = new Date('2026-04-01T00:00:01Z');
    await billing.takeTurn(1_000);
    const deletions = async () =>
      (await operations.list(tenantId, { kind: 'graph.delete' }, { limit: 10 })).items.map((one) => one.graphId);
    expect(await deletions()).toEqual([]);
    now = new Date('2026-05-01T00:00:02Z');
    await billing.takeTurn(1_000);
    await billing.settle(tenantId, SUBSCRIPTION);
    expect(await deletions()).toEqual([graphId]);
  });

  test('one that can not be helped now does not hold up others, and has its turn later', async () => {
    const { tenantId, graphId } = await ended();
    const { standing } = await subscriptionOf(tenantId);
    now = new Date('2026-05-01T00:00:02Z');
    // The id of its deletion belongs to another request, so it can not be opened.
    const operationId = operationIdFor(tenantId, `retention ${graphId} ${standing?.mark} 2026-05-01`);
    await operations.open({ ...acceptedEvent(), operationId, tenantId, graphId, requestHash: 'of another' });
    expect((await billing.takeTurn(1_000)).failed).toBe(1);
    expect(await statusOfGraph(graphId)).toBe('suspended');
    expect((await billing.takeTurn(1_000)).failed).toBe(0);
    expect((await reminders.get(tenantId, SUBSCRIPTION)).dueAt).toBe('2026-05-01T00:05:02.000Z');
  });
});
