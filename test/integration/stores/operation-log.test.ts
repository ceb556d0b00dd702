import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { graphIdFor, operationIdFor } from '../../../domain/identifier.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { isTerminal } from '../../../domain/operation/operation.ts';
import type { EventDraft } from '../../../domain/operation/operation-event.ts';
import { type OpenOperation, OperationLog } from '../../../domain/operation/operation-log.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

let store: DynamoOperationStore;
let log: OperationLog;
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  store = new DynamoOperationStore(started.table);
  log = new OperationLog(store);
});

afterAll(() => close());

const request = (own: Partial<OpenOperation> = {}): OpenOperation => {
  const { operationId = operationIdFor('acme', undefined) } = own;
  return {
    operationId,
    kind: 'graph.create',
    tenantId: 'acme',
    graphId: graphIdFor(operationId),
    request: { name: 'A' },
    requestHash: 'hash',
    message: 'Accepted',
    actor: 'ada',
    ...own,
  };
};

const opened = async (own: Partial<OpenOperation> = {}): Promise<string> => {
  const { accepted } = await log.open(request(own));
  await log.project(accepted);
  return accepted.operationId;
};

const error = { code: 'internal', message: 'It broke', retryable: true } as const;

describe('opening an operation', () => {
  test('50 times at once writes it once', async () => {
    const same = request();
    const results = await Promise.all(Array.from({ length: 50 }, () => log.open(same)));
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await log.events(same.operationId, 0, 10)).toHaveLength(1);
  });

  test('with the same id and another request is refused', async () => {
    const operationId = await opened();
    await expect(log.open(request({ operationId, requestHash: 'another' }))).rejects.toThrow(
      expect.objectContaining({ code: 'idempotency_key_reused', operationId }),
    );
  });

  test('with the same id and of another kind is refused, even if the requests are alike', async () => {
    const operationId = await opened();
    await expect(log.open(request({ operationId, kind: 'graph.delete' }))).rejects.toThrow(
      expect.objectContaining({ code: 'idempotency_key_reused', operationId }),
    );
  });

  test('with the same id for another graph is refused, and is not that one’s operation', async () => {
    const operationId = await opened();
    const other = graphIdFor(operationIdFor('acme', undefined));
    await expect(log.open(request({ operationId, graphId: other }))).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  test('keeps the request for whoever does the work', async () => {
    const operationId = await opened({ request: { name: 'Acme', nested: { list: [1, 'two', null, true] } } });
    expect((await log.first(operationId)).request).toEqual({ name: 'Acme', nested: { list: [1, 'two', null, true] } });
  });
});

describe('appending', () => {
  test('from many sides at once leaves no gap and loses nothing', async () => {
    const operationId = await opened();
    await log.append(operationId, { type: 'started', message: 'Started' });
    const steps = Array.from({ length: 25 }, (_, at) => `step${at}`);
    await Promise.all(steps.map((step) => log.append(operationId, { type: 'step_completed', step, message: step })));
    const events = await log.events(operationId, 0, 100);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(events.flatMap(({ type, step }) => (type === 'step_completed' ? [step] : [])).sort()).toEqual(steps.sort());
  });

  test('the same step many times at once completes it once', async () => {
    const operationId = await opened();
    await log.append(operationId, { type: 'started', message: 'Started' });
    const step = { type: 'step_completed', step: 'publish', message: 'Published' } as const;
    await Promise.all(Array.from({ length: 20 }, () => log.append(operationId, step)));
    expect(await log.events(operationId, 0, 100)).toHaveLength(3);
  });

  test('success and undo at once: exactly one of them is in the log', async () => {
    for (let round = 0; round < 10; round += 1) {
      const operationId = await opened();
      const known = await log.append(operationId, { type: 'started', message: 'Started' });
      const outcomes = await Promise.allSettled([
        log.append(operationId, { type: 'succeeded', message: 'Done', result: {} }, known),
        log.append(operationId, { type: 'compensating', message: 'Undoing', error }, known),
      ]);
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(await log.events(operationId, 0, 10)).toHaveLength(3);
    }
  });

  test('on a newest event that is not the newest any more does not overwrite', async () => {
    const operationId = await opened();
    const { accepted: stale } = await log.open(request({ operationId }));
    await log.append(operationId, { type: 'started', message: 'Started' });
    const event = await log.append(operationId, { type: 'progress', message: 'On the way' }, stale);
    expect(event).toMatchObject({ seq: 3, status: 'running' });
  });

  test('to an operation that is not there is refused', async () => {
    await expect(log.append('op_NOTHING', { type: 'started', message: '' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('any drafts in any order leave a log whose terminal event is the last, with the projection on it', async () => {
    const draft: fc.Arbitrary<EventDraft> = fc.oneof(
      fc.constant({ type: 'started', message: 'Started' } as const),
      fc.record({ type: fc.constant('progress' as const), message: fc.constant('…'), percent: fc.nat(100) }),
      fc.record({
        type: fc.constant('step_completed' as const),
        message: fc.constant('…'),
        step: fc.constantFrom('a', 'b'),
      }),
      fc.constant({ type: 'compensating', message: 'Undoing', error } as const),
      fc.constant({ type: 'succeeded', message: 'Done', result: {} } as const),
      fc.constant({ type: 'failed', message: 'Failed', error } as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(draft, { maxLength: 8 }), async (drafts) => {
        const operationId = await opened();
        await Promise.allSettled(drafts.map((next) => log.append(operationId, next)));
        const events = await log.events(operationId, 0, 100);
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
        expect(events.slice(0, -1).every(({ status }) => !isTerminal(status))).toBe(true);
        const operation = await log.get(operationId);
        expect(operation).toMatchObject({ seq: events.length, status: events.at(-1)?.status });
        const { items: open } = await store.listOpen({ limit: 1_000 });
        expect(open.some((item) => item.operationId === operationId)).toBe(!isTerminal(operation.status));
      }),
      { numRuns: 25 },
    );
  });
});

describe('listing', () => {
  test('shows the operation as of its newest event, although the listing moves with the status only', async () => {
    const operationId = await opened({ tenantId: 'lister' });
    await log.append(operationId, { type: 'started', message: 'Started' });
    await log.append(operationId, { type: 'progress', message: 'Half', percent: 50 });
    const { items } = await log.list('lister', {}, { limit: 10 });
    expect(items).toMatchObject([{ operationId, percent: 50, message: 'Half', status: 'running' }]);
  });

  test('a projection that is behind is moved by whoever repeats the event', async () => {
    const { accepted } = await log.open(request({ tenantId: 'late' }));
    // Started, and then the process died before the listing was moved.
    await store.putEvent({ ...accepted, seq: 2, type: 'started', status: 'running' });
    await log.append(accepted.operationId, { type: 'started', message: 'Started' });
    expect((await log.list('late', { status: 'running' }, { limit: 10 })).items).toHaveLength(1);
  });

  test('by status shows what has that status now, not what the listing last heard', async () => {
    const { accepted } = await log.open(request({ tenantId: 'filter' }));
    await log.project(accepted);
    // Ended, and then the process died before the listing was moved.
    await store.putEvent({ ...accepted, seq: 2, type: 'failed', status: 'failed', error });
    expect((await log.list('filter', { status: 'accepted' }, { limit: 10 })).items).toEqual([]);
  });

  test('pages hold what they promise, with a filter too', async () => {
    for (let count = 0; count < 7; count += 1) {
      const operationId = await opened({ tenantId: 'pager' });
      if (count % 2 === 0) await log.append(operationId, { type: 'failed', message: 'Failed', error });
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof log.list>> = await log.list(
        'pager',
        { status: 'failed' },
        { limit: 3, ...(cursor !== null && { cursor }) },
      );
      seen.push(...page.items.map(({ operationId }) => operationId));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(4);
    expect(seen).toHaveLength(4);
  });
});
