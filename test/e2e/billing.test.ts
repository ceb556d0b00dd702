import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { DynamoGraphStore } from '../../domain/graph/dynamo-graph-store.ts';
import { graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { DynamoLetterStore } from '../../domain/letter/dynamo-letter-store.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { signedWebhook } from '../fixtures/webhooks.ts';
import { Client } from './client.ts';
import { describedBy, openStores } from './stores.ts';
import { newTenant } from './tenants.ts';

const PERIOD_END = '2999-01-01T00:00:00.000Z';
const OTHER_SECRET = `whsec_${Buffer.from('the secret of somebody else').toString('base64')}`;

const shared = new Client();
const { webhookSecret } = describedBy(shared.target);
const { table } = openStores(shared.target);
const operator = shared.target.tokens.operator;

/** A tenant that never bought anything. */
let tenantId: string;
let client: Client;
beforeEach(async () => {
  ({ tenantId, client } = await newTenant(shared));
});

const newEvent = () => `evt_${randomUUID()}`;
const event = (type: string, data: Record<string, unknown> = {}, timestamp = new Date().toISOString()) => ({
  type,
  timestamp,
  data: { subscriptionId: 'sub_1', tenantId, plan: 'starter', periodEnd: PERIOD_END, ...data },
});

type Delivery = { id?: string; secret?: string; secondsAgo?: number };
const deliver = (
  content: Parameters<typeof signedWebhook>[0],
  { id = newEvent(), secret = webhookSecret, secondsAgo = 0 }: Delivery = {},
) => {
  const { text, headers } = signedWebhook(content, { id, secondsAgo, secret });
  return client.call('/v1/billing/webhook', { method: 'POST', token: null, text, headers });
};

type SubscriptionView = {
  subscriptionId: string;
  status: string;
  graphId: string;
  operationId: string;
  reason: string;
};
const subscriptions = async () =>
  (await client.call('/v1/billing/subscriptions')).body['subscriptions'] as SubscriptionView[];
const subscription = async () => (await subscriptions())[0] as SubscriptionView;
const operationsOf = async () => (await client.call('/v1/operations')).body['operations'] as { operationId: string }[];
const graphsOf = async () => (await client.call('/v1/graphs')).body['graphs'] as { graphId: string; status: string }[];

describe('billing', () => {
  test('two different events for one subscription, each delivered five times, in random order, at once: one graph, one credit pool, one active subscription', async () => {
    const deliveries = [event('checkout.completed', { graph: plainGraph() }), event('subscription.created')].flatMap(
      (content) => {
        const id = newEvent();
        return Array.from({ length: 5 }, () => ({ content, id, key: Math.random() }));
      },
    );
    deliveries.sort((left, right) => left.key - right.key);
    const answers = await Promise.all(deliveries.map(({ content, id }) => deliver(content, { id })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));

    const operations = await operationsOf();
    expect(operations).toHaveLength(1);
    const { operationId, graphId } = await subscription();
    expect(operations[0]?.operationId).toBe(operationId);
    expect((await client.follow(operationId)).at(-1)?.status).toBe('succeeded');
    expect(await subscriptions()).toMatchObject([{ subscriptionId: 'sub_1', status: 'active', graphId, reason: null }]);
    expect(await graphsOf()).toMatchObject([{ graphId, status: 'active' }]);
    expect((await client.call(`/v1/graphs/${graphId}/credits`)).body).toEqual({
      graphId,
      allocated: 1_000,
      balance: 1_000,
    });

    // And once more when all is done.
    await Promise.all(deliveries.map(({ content, id }) => deliver(content, { id })));
    expect(await operationsOf()).toHaveLength(1);
    expect(await subscription()).toMatchObject({ status: 'active', graphId });
  });

  test('a tenant that has not paid is answered 402 and nothing is written; when it has, its call is accepted', async () => {
    const before = await client.call('/v1/graphs', { body: plainGraph() });
    expect(before.status).toBe(402);
    expect(before.body).toMatchObject({ code: 'payment_required', retryable: false });
    expect(await operationsOf()).toEqual([]);

    await deliver(event('checkout.completed'));
    expect(await subscription()).toMatchObject({ status: 'active', graphId: null });
    const { operationId, graphId } = await client.createGraph(plainGraph());
    await deliver(event('invoice.payment_failed'));
    expect(await subscription()).toMatchObject({ status: 'past_due' });
    expect((await client.call('/v1/graphs', { body: plainGraph() })).status).toBe(402);
    const moved = await client.call(`/v1/graphs/${graphId}/tier`, { body: { tier: 'large' } });
    expect(moved).toMatchObject({ status: 402, body: { code: 'payment_required' } });
    await deliver(event('invoice.paid'));
    const after = await client.call('/v1/graphs', { body: plainGraph() });
    expect(after.status).toBe(202);
    await client.follow(after.body['operationId'] as string);
    expect((await operationsOf()).map((one) => one.operationId)).toContain(operationId);
  });

  test('what was accepted while it was paid for is answered the same when it is not any more', async () => {
    await deliver(event('checkout.completed'));
    const call = { body: plainGraph(), headers: { 'idempotency-key': 'before-it-was-canceled' } };
    const first = await client.call('/v1/graphs', call);
    expect(first.status).toBe(202);
    await deliver(event('subscription.canceled'));
    const again = await client.call('/v1/graphs', call);
    expect(again.status).toBe(202);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await client.call('/v1/graphs', { body: plainGraph() })).status).toBe(402);
    await client.follow(first.body['operationId'] as string);
  });

  test('a tenant can have as many graphs as its plan allows', async () => {
    await deliver(event('checkout.completed'));
    const answers = await Promise.all(
      Array.from({ length: 11 }, () => client.call('/v1/graphs', { body: plainGraph() })),
    );
    const ends = await Promise.all(
      answers
        .filter(({ status }) => status === 202)
        .map(async ({ body }) => (await client.follow(body['operationId'] as string)).at(-1)),
    );
    expect(ends.filter((end) => end?.status === 'succeeded')).toHaveLength(10);
    // Those that came at once were all admitted at first; the workflow let in ten.
    for (const end of ends.filter((one) => one?.status !== 'succeeded')) {
      expect(end).toMatchObject({ status: 'failed', detail: { error: { code: 'limit_reached' } } });
    }
    const next = await client.call('/v1/graphs', { body: plainGraph() });
    expect(next.status).toBe(429);
    expect(next.body).toMatchObject({ code: 'limit_reached', retryable: false });
  });
});

describe('a webhook', () => {
  test.each([
    ['signed with another secret', { secret: OTHER_SECRET }],
    ['of six minutes ago', { secondsAgo: 360 }],
    ['of the future', { secondsAgo: -360 }],
  ])('%s is refused and nothing of it is kept', async (_what, own) => {
    const answer = await deliver(event('checkout.completed'), own);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ code: 'unauthorized' });
    expect(await subscriptions()).toEqual([]);
  });

  test('whose body was changed on the way is refused, even by a blank', async () => {
    const { text, headers } = signedWebhook(event('checkout.completed'), {
      id: newEvent(),
      secret: webhookSecret,
    });
    for (const changed of [text.replace('starter', 'enterprise'), `${text} `, JSON.stringify(JSON.parse(text))]) {
      const answer = await client.call('/v1/billing/webhook', { method: 'POST', token: null, text: changed, headers });
      expect(answer.status).toBe(401);
    }
    expect((await client.call('/v1/billing/webhook', { method: 'POST', token: null, text, headers })).status).toBe(202);
  });

  test('of a type that means nothing here is kept and ignored', async () => {
    for (const type of ['customer.renamed', 'constructor']) {
      const id = newEvent();
      expect((await deliver(event(type), { id })).status).toBe(202);
      expect(await new DynamoLetterStore(table, 'webhook').get(id)).toMatchObject({ state: 'ignored' });
    }
    expect(await subscriptions()).toEqual([]);
  });

  test('whose processing was lost is processed when it is delivered again', async () => {
    const id = newEvent();
    const content = event('checkout.completed');
    const at = new Date().toISOString();
    const text = signedWebhook(content, { id, secret: webhookSecret }).text;
    await new DynamoLetterStore(table, 'webhook').receive(id, text, at, '2000-01-01T00:00:00.000Z');
    expect((await deliver(content, { id })).status).toBe(202);
    expect(await subscription()).toMatchObject({ status: 'active' });
  });
});

describe('an event that can not be processed', () => {
  const deadLetter = async (id: string) => {
    const found: Record<string, unknown>[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await client.call(`/v1/dead-letters?limit=100${cursor}`, { token: operator });
      found.push(...(body['deadLetters'] as Record<string, unknown>[]));
      if (body['cursor'] === null) return found.find((one) => one['deadLetterId'] === id);
      cursor = `&cursor=${String(body['cursor'])}`;
    }
  };

  const redrive = (id: string) => client.call(`/v1/dead-letters/${id}/redrive`, { token: operator, body: {} });

  test('is a dead letter, which only operators see, and which is dead again when it still can not be', async () => {
    const id = newEvent();
    expect((await deliver(event('checkout.completed', { plan: '' }), { id })).status).toBe(202);
    expect((await client.call('/v1/dead-letters')).status).toBe(403);
    expect(await deadLetter(id)).toMatchObject({ state: 'dead', attempts: 1, reason: expect.stringContaining('plan') });
    expect((await redrive(id)).body).toMatchObject({ state: 'dead', attempts: 1 });
    expect(await deadLetter(id)).toMatchObject({ state: 'dead' });
    expect((await redrive('evt_none')).status).toBe(404);
  });

  test('and can be later is processed once, however many redrive it at once', async () => {
    const id = newEvent();
    const { text } = signedWebhook(event('checkout.completed', { graph: plainGraph() }), {
      id,
      secret: webhookSecret,
    });
    const events = new DynamoLetterStore(table, 'webhook');
    const at = new Date().toISOString();
    // The schedule is not to take it up before it is dead.
    await events.receive(id, text, at, PERIOD_END);
    const died = await events.get(id);
    if (died !== undefined)
      await events.settle(died, { state: 'dead', reason: 'Nobody knew the plan', at, notBefore: null });
    expect(await deadLetter(id)).toMatchObject({ state: 'dead', reason: 'Nobody knew the plan' });

    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => redrive(id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    expect(await deadLetter(id)).toBeUndefined();
    expect(await operationsOf()).toHaveLength(1);
    expect((await client.follow((await subscription()).operationId)).at(-1)?.status).toBe('succeeded');
  });

  test('because of a tag that no object can keep is told so, instead of losing the tag', async () => {
    const tags = JSON.parse('{"__proto__":"a"}') as object;
    await deliver(event('checkout.completed', { graph: plainGraph({ tags }) }));
    expect(await subscription()).toMatchObject({ status: 'failed', reason: expect.stringContaining('__proto__') });
  });

  test('because its graph can not be made leaves a subscription that says so, and a later order is made', async () => {
    const schema = { name: 'broken', version: '1.0.0', nodes: [{ name: 'Thing', properties: [] }] };
    await deliver(event('checkout.completed', { graph: plainGraph({ schema }) }));
    expect(await subscription()).toMatchObject({ status: 'failed', reason: expect.stringContaining('schema') });
    await deliver(event('subscription.updated', { graph: plainGraph() }));
    const { operationId } = await subscription();
    expect((await client.follow(operationId)).at(-1)?.status).toBe('succeeded');
    expect(await subscription()).toMatchObject({ status: 'active', reason: null });
  });
});

describe('provisioning that fails', () => {
  test('leaves the subscription failed with the reason and no credits, and can be tried again', async () => {
    // The record is the operation's, but another writer has the claim: the snapshot is built and then refused.
    const operationId = operationIdFor(tenantId, 'subscription sub_1 1');
    const graph = graphRequestedBy(acceptedEvent({ operationId, tenantId }));
    await new DynamoGraphStore(table).create({ ...graph, placement: 'inst-standard-1', writer: 'op_another.1' });

    await deliver(event('checkout.completed', { graph: companiesGraph() }));
    expect(await subscription()).toMatchObject({ operationId, graphId: graph.graphId });
    expect((await client.follow(operationId)).at(-1)?.status).toBe('failed');
    const failed = await subscription();
    expect(failed).toMatchObject({ status: 'failed', reason: expect.stringMatching(/\w/) });
    expect((await client.call(`/v1/graphs/${graph.graphId}/credits`)).status).toBe(404);
    expect(await graphsOf()).toEqual([]);

    const path = '/v1/billing/subscriptions/sub_1/provision';
    const answers = await Promise.all([1, 2, 3].map(() => client.call(path, { body: {} })));
    // One that comes when the graph is there already is refused.
    for (const { status } of answers) expect([202, 409]).toContain(status);
    const accepted = answers.filter(({ status }) => status === 202);
    const again = new Set(accepted.map(({ body }) => body['operationId'] as string));
    expect(again.size).toBe(1);
    const [second = ''] = again;
    expect(second).not.toBe(operationId);
    expect((await client.follow(second)).at(-1)?.status).toBe('succeeded');
    expect(await subscription()).toMatchObject({ status: 'active', reason: null });
    expect((await client.call(path, { body: {} })).status).toBe(409);
  });

  test('of another tenant can not be tried again', async () => {
    const answer = await client.call('/v1/billing/subscriptions/sub_1/provision', { body: {} });
    expect(answer.status).toBe(404);
  });
});

describe('a subscription that has ended', () => {
  test('suspends its graph: queries are answered 402 until it is paid for again, and nothing is lost', async () => {
    await deliver(event('checkout.completed', { graph: companiesGraph() }));
    const { operationId, graphId } = await subscription();
    await client.follow(operationId);
    const ask = () => client.query(graphId, 'MATCH (c:Company) RETURN c.id');
    expect((await ask()).body).toMatchObject({ rows: [['acme']] });
    await deliver(event('subscription.canceled', { periodEnd: new Date(Date.now() - 1_000).toISOString() }));
    expect(await subscription()).toMatchObject({ status: 'canceled' });
    expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ status: 'suspended' });
    const refused = await ask();
    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({ code: 'payment_required' });
    await deliver(event('invoice.paid'));
    expect((await ask()).body).toMatchObject({ rows: [['acme']] });
  });
});

describe('an account that has ended', () => {
  test('suspends what its tenant made and may read: queries and changes are answered 402 until it is paid for again', async () => {
    await deliver(event('checkout.completed'));
    const { graphId } = await client.createGraph(companiesGraph());
    const asked = await client.call('/v1/repositories/gazetteer/access', { body: {} });
    await client.follow(asked.body['operationId'] as string);
    const access = async () => (await client.call('/v1/repositories/gazetteer/access')).body;
    const repositoryId = (await access())['graphId'] as string;
    const answers = async () => {
      const own = await client.query(graphId, 'MATCH (c:Company) RETURN c.id');
      const shared_ = await client.query(repositoryId, 'MATCH (n) RETURN count(n)');
      return [own.status, shared_.status];
    };
    expect(await answers()).toEqual([200, 200]);

    await deliver(event('subscription.canceled', { periodEnd: new Date(Date.now() - 1_000).toISOString() }));
    expect(await answers()).toEqual([402, 402]);
    expect(await access()).toMatchObject({ status: 'suspended' });
    expect((await client.call(`/v1/graphs/${graphId}`)).body).toMatchObject({ status: 'suspended' });
    const change = await client.call(`/v1/graphs/${graphId}/subgraphs`, { body: { name: 'one' } });
    expect(change).toMatchObject({ status: 402, body: { code: 'payment_required' } });

    await deliver(event('invoice.paid'));
    expect(await answers()).toEqual([200, 200]);
    expect(await access()).toMatchObject({ status: 'active' });
  });
});

describe('credits', () => {
  test('are consumed once for each key, and never more than there are', async () => {
    await deliver(event('checkout.completed'));
    const { graphId } = await client.createGraph(plainGraph());
    const consume = (amount: number, key?: string) =>
      client.call(`/v1/graphs/${graphId}/credits/consumptions`, {
        body: { amount, reason: 'A report' },
        headers: key === undefined ? {} : { 'idempotency-key': key },
      });
    expect((await consume(1)).status).toBe(400);
    const five = await Promise.all([1, 2, 3, 4, 5].map(() => consume(300, 'the-same')));
    expect(five.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await client.call(`/v1/graphs/${graphId}/credits`)).body).toMatchObject({ balance: 700 });
    expect((await consume(301, 'the-same')).status).toBe(422);
    const short = await consume(701, 'too-much');
    expect(short.status).toBe(402);
    expect(short.body).toMatchObject({ code: 'payment_required' });
    expect((await consume(700, 'all-of-it')).body).toEqual({ graphId, allocated: 1_000, balance: 0 });
    const other = { token: shared.target.tokens.otherTenant };
    expect((await client.call(`/v1/graphs/${graphId}/credits`, other)).status).toBe(404);
  });
});

// The last of this file: while the gate is off, and for as long as that is remembered, nobody is refused.
describe('the gate of payments', () => {
  test('asks nobody when it is switched off, and everybody when it is on again', async () => {
    const set = (paymentGate: boolean) =>
      client.call('/v1/fleet/flags', { method: 'PUT', token: operator, body: { paymentGate } });
    // A function remembers for some seconds what a flag was.
    const untilAnswered = (wanted: number) =>
      vi.waitFor(async () => {
        const { status, body } = await client.call('/v1/graphs', { body: plainGraph() });
        if (status === 202) await client.follow(body['operationId'] as string);
        expect(status).toBe(wanted);
      }, 30_000);
    expect((await client.call('/v1/fleet/flags')).status).toBe(403);
    expect((await client.call('/v1/fleet/flags', { token: operator })).body).toMatchObject({ paymentGate: true });
    try {
      expect((await set(false)).body).toMatchObject({ paymentGate: false });
      await untilAnswered(202);
    } finally {
      await set(true);
    }
    await untilAnswered(402);
  });
});
