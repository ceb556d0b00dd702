import { describe, expect, test } from 'vitest';
import { EventView } from '../../contract/api/operations.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { companiesGraph, plainGraph } from '../fixtures/graph-requests.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import { signedToken } from '../fixtures/tokens.ts';
import { waitingGraph, wantApproval } from './approval.ts';
import { Client, streamedEvents } from './client.ts';
import { openStores } from './stores.ts';
import { payingTenant } from './tenants.ts';

const client = new Client();
const { tokens, dataDirectory = '' } = client.target;
const { operator, otherTenant } = tokens;
const log = new OperationLog(openStores(client.target).operations);
wantApproval(client);

type Options = Parameters<Client['call']>[1];
const cancel = (operationId: string, options: Options = {}) =>
  client.call(`/v1/operations/${operationId}`, { method: 'DELETE', ...options });
const resume = (operationId: string, answer: string, options: Options = {}) =>
  client.call(`/v1/operations/${operationId}/resume`, { body: { answer }, token: operator, ...options });
const retry = (operationId: string, options: Options = {}) =>
  client.call(`/v1/operations/${operationId}/retry`, { method: 'POST', ...options });
const read = async (operationId: string) => (await client.call(`/v1/operations/${operationId}`)).body;

describe('an operation that is cancelled', () => {
  test.each(['accepted', 'takeSlot', 'createDatabase', 'applySchema', 'createEntity'])(
    'after %s is undone, and leaves nothing',
    async (moment) => {
      const { body } = await client.call('/v1/graphs', { body: companiesGraph() });
      const { operationId, graphId } = body as { operationId: string; graphId: string };
      const isAtOnce = moment === 'accepted';
      for await (const { step, type } of isAtOnce ? [] : streamedEvents(await client.stream(operationId, 0))) {
        if ((step ?? type) === moment) break;
      }
      const first = await cancel(operationId);
      const events = await client.follow(operationId);
      const over = await cancel(operationId);
      expect(over).toMatchObject({ status: 409, body: { code: 'operation_over' } });
      if (first.status === 409 && !isAtOnce) {
        // The work was faster; what is cancelled at once comes in time.
        expect(events.at(-1)?.status).toBe('succeeded');
        return;
      }
      expect(first).toMatchObject({ status: 202, body: { operationId, status: 'cancelling' } });
      expect(events.slice(-3).map(({ type, status }) => [type, status])).toEqual([
        ['progress', 'cancelling'],
        ['compensating', 'compensating'],
        ['cancelled', 'cancelled'],
      ]);
      expect(await read(operationId)).toMatchObject({ status: 'cancelled', error: null, result: null });
      expect((await client.call(`/v1/graphs/${graphId}`)).status).toBe(404);
    },
  );

  test('while it waits for an answer is cancelled at once, and the answer comes too late', async () => {
    const operationId = await waitingGraph(client);
    expect(await cancel(operationId)).toMatchObject({ status: 202, body: { status: 'cancelling', input: null } });
    expect((await client.follow(operationId)).at(-1)?.status).toBe('cancelled');
    expect(await resume(operationId, 'approve')).toMatchObject({ status: 409 });
  });

  test('twice, or by several at once, is cancelled once', async () => {
    const operationId = await waitingGraph(client);
    const answers = await Promise.all([cancel(operationId), cancel(operationId), cancel(operationId)]);
    for (const { status } of answers) expect([202, 409]).toContain(status);
    expect(answers.filter(({ status }) => status === 202).length).toBeGreaterThan(0);
    const events = await client.follow(operationId);
    expect(events.filter(({ status, type }) => status === 'cancelling' && type === 'progress')).toHaveLength(1);
    expect(events.at(-1)?.status).toBe('cancelled');
  });

  test('and is not there, or is over, says so', async () => {
    expect((await cancel('op_00000000000000000000000000')).status).toBe(404);
    const { operationId } = await client.createGraph(plainGraph());
    expect(await cancel(operationId)).toMatchObject({
      status: 409,
      body: { code: 'operation_over', retryable: false },
    });
  });
});

describe('an operation that waits for an answer', () => {
  test('shows what it asks for, and goes on when an operator approves', async () => {
    const operationId = await waitingGraph(client);
    expect(await read(operationId)).toMatchObject({
      status: 'queued',
      input: { question: 'May this operation use the tier "large"?', options: ['approve', 'reject'] },
    });
    expect(await resume(operationId, 'approve')).toMatchObject({ status: 202, body: { input: null } });
    const events = await client.follow(operationId);
    expect(events.at(-1)?.status).toBe('succeeded');
    for (const event of events) expect(EventView.safeParse(event)).toMatchObject({ success: true });
  });

  test('is undone when an operator rejects it', async () => {
    const operationId = await waitingGraph(client);
    expect((await resume(operationId, 'reject')).status).toBe(202);
    expect((await client.follow(operationId)).at(-1)?.status).toBe('failed');
    expect(await read(operationId)).toMatchObject({ error: { code: 'forbidden' } });
  });

  test('takes the first answer, the same one again, and no other', async () => {
    const operationId = await waitingGraph(client);
    expect(await resume(operationId, 'maybe')).toMatchObject({ status: 400, body: { errors: [{ path: 'answer' }] } });
    const answers = await Promise.all([resume(operationId, 'approve'), resume(operationId, 'reject')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409]);
    const events = await client.follow(operationId);
    const approved = answers[0]?.status === 202;
    expect(events.at(-1)?.status).toBe(approved ? 'succeeded' : 'failed');
    expect(events.filter(({ message }) => message.startsWith('Answered'))).toHaveLength(1);
  });

  test('is not answered by its tenant, nor seen by another', async () => {
    const operationId = await waitingGraph(client);
    expect(await resume(operationId, 'approve', { token: tokens.tenant })).toMatchObject({ status: 403 });
    expect(await resume(operationId, 'approve', { token: otherTenant })).toMatchObject({ status: 404 });
    expect(await read(operationId)).toMatchObject({ status: 'queued' });
    await cancel(operationId);
    await client.follow(operationId);
  });

  test('goes on when the call that answered could not wake it', async () => {
    const operationId = await waitingGraph(client);
    // The answer is in the log, and whoever wrote it died before it woke the workflow.
    await log.append(operationId, {
      type: 'progress',
      message: 'Answered: approve',
      answer: 'approve',
      actor: 'olga',
    });
    expect((await resume(operationId, 'approve')).status).toBe(202);
    expect((await client.follow(operationId)).at(-1)?.status).toBe('succeeded');
  });

  test('an operation that asks nothing is not resumed', async () => {
    const { operationId } = await client.createGraph(plainGraph());
    expect(await resume(operationId, 'approve')).toMatchObject({ status: 409, body: { code: 'operation_over' } });
  });
});

describe('an operation whose undo failed', () => {
  const undoFailed = async (): Promise<string> => {
    const { requestHash, request, operationId, kind, tenantId, graphId, actor } = acceptedEvent();
    const open = { operationId, kind, tenantId, graphId, actor, request, requestHash, message: 'Accepted' };
    await log.open(open);
    const error = { code: 'internal', message: 'It broke', retryable: true } as const;
    await log.append(operationId, { type: 'compensating', message: 'Undoing', error });
    await log.append(operationId, { type: 'compensation_failed', message: 'An undo failed', error });
    return operationId;
  };

  test('is retried, by its tenant or an operator, and then is over', async () => {
    for (const token of [tokens.tenant, operator]) {
      const operationId = await undoFailed();
      expect(await retry(operationId, { token })).toMatchObject({ status: 202, body: { status: 'compensating' } });
      expect((await client.follow(operationId, 3)).at(-1)?.status).toBe('failed');
      expect(await retry(operationId, { token })).toMatchObject({ status: 409, body: { code: 'operation_over' } });
    }
  });

  test('is not retried by another tenant, nor is one that goes on', async () => {
    expect((await retry(await undoFailed(), { token: otherTenant })).status).toBe(404);
    const waiting = await waitingGraph(client);
    expect(await retry(waiting)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await cancel(waiting);
    await client.follow(waiting);
  });
});

describe("another's operation", () => {
  test('is not commanded by a tenant, and is by an operator', async () => {
    const operationId = await waitingGraph(client);
    expect((await cancel(operationId, { token: otherTenant })).status).toBe(404);
    expect((await cancel(operationId, { token: operator })).status).toBe(202);
    expect((await client.follow(operationId)).at(-1)?.status).toBe('cancelled');
  });

  test('is read by an operator, as are its events, and its tenant sees in the audit by whom', async () => {
    const { operationId, graphId } = await client.createGraph(plainGraph());
    const paths = [`/v1/operations/${operationId}`, `/v1/operations/${operationId}/events`];
    for (const path of paths) {
      expect((await client.call(path, { token: otherTenant })).status).toBe(404);
      expect((await client.call(path, { token: operator })).status).toBe(200);
    }
    const { body } = await client.call('/v1/audit?limit=100');
    const reads = (body['entries'] as Record<string, unknown>[]).filter(
      (entry) => entry['type'] === 'operator_action' && entry['operationId'] === operationId,
    );
    const told = { actor: 'olga', tenantId: 'acme', graphId, detail: 'Read (by an operator)' };
    expect(reads).toMatchObject([
      { ...told, action: 'GET /v1/operations/{operationId}/events' },
      { ...told, action: 'GET /v1/operations/{operationId}' },
    ]);
  });

  test('that deletes what nobody pays for is not cancelled by its tenant', async () => {
    const { operationId, requestHash } = acceptedEvent();
    const request = { backup: true, place: null, emptyVersion: null, unlessPaid: true };
    const asked = { kind: 'graph.delete', tenantId: 'acme', graphId: 'kgnone', actor: 'graphfleet' } as const;
    // Listed it is not, so nobody starts it.
    await log.open({ ...asked, operationId, request, requestHash, message: 'Accepted' });
    expect(await cancel(operationId)).toMatchObject({ status: 403, body: { code: 'forbidden', operationId } });
    expect((await cancel(operationId, { token: operator })).status).toBe(202);
  });

  test('of the fleet is read by an operator, and by no tenant', async () => {
    const { operationId: fleetOperation, requestHash, request, actor } = acceptedEvent();
    await log.project(
      (
        await log.open({
          operationId: fleetOperation,
          kind: 'graph.create',
          tenantId: '~fleet',
          graphId: null,
          actor,
          request,
          requestHash,
          message: 'Accepted',
        })
      ).accepted,
    );
    await log.append(fleetOperation, { type: 'failed', message: 'Failed', error: null });
    const fleetReader = await signedToken(dataDirectory, { claims: { tenant_id: 'operations', scope: 'fleet:read' } });
    for (const path of [fleetOperation, `${fleetOperation}/events`]) {
      expect((await client.call(`/v1/operations/${path}`, { token: fleetReader })).status).toBe(200);
      expect((await client.call(`/v1/operations/${path}`)).status).toBe(404);
    }
    const listed = await client.call('/v1/operations?fleet=true', { token: fleetReader });
    expect(listed.body['operations']).toContainEqual(expect.objectContaining({ operationId: fleetOperation }));
    expect((await client.call('/v1/operations?fleet=true')).status).toBe(403);
    expect((await client.call('/v1/operations', { token: fleetReader })).status).toBe(403);
  });
});

test('operations are counted and measured by kind and status, in the span that is asked for', async () => {
  const counted = await payingTenant(client);
  const from = new Date().toISOString();
  for (let count = 0; count < 3; count += 1) await counted.createGraph(plainGraph());
  const waiting = await waitingGraph(counted);
  const to = new Date().toISOString();
  const ask = async (query: string) => (await counted.call(`/v1/operations/statistics?${query}`)).body;
  const measured = { p50: expect.any(Number), p95: expect.any(Number), max: expect.any(Number) };
  const inSpan = async () => {
    const { statistics, ...span } = await ask(`from=${from}&to=${to}`);
    const byStatus = (statistics as { status: string }[]).toSorted((left, right) =>
      left.status < right.status ? -1 : 1,
    );
    return { ...span, statistics: byStatus };
  };
  // What is counted is the listing, which moves after the log.
  await expect.poll(inSpan, { timeout: 20_000 }).toEqual({
    from,
    to,
    complete: true,
    statistics: [
      { kind: 'graph.create', status: 'queued', count: 1, durationMs: null },
      { kind: 'graph.create', status: 'succeeded', count: 3, durationMs: measured },
    ],
  });
  expect(await ask(`to=${from}`)).toMatchObject({ statistics: [] });
  expect((await counted.call(`/v1/operations/statistics?from=${to}&to=${from}`)).status).toBe(400);
  await counted.call(`/v1/operations/${waiting}`, { method: 'DELETE' });
});
