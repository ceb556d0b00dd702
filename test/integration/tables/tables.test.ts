import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { type GraphTable, newPartKey, type Publication } from '../../../domain/table/table.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { publicationOn } from '../../fixtures/publications.ts';

const AT = '2026-01-01T00:00:00.000Z';
const NAME = 'Company';

let table: ControlTableClient;
let close: () => Promise<void>;
let store: DynamoTableStore;
let operations: DynamoOperationStore;
let tables: Tables;
beforeAll(async () => {
  ({ table, close } = await startControlTable());
  store = new DynamoTableStore(table);
  operations = new DynamoOperationStore(table);
  tables = new Tables(store, new OperationLog(operations));
});
afterAll(() => close());

let graphs = 0;
const newGraph = () => {
  graphs += 1;
  return `kg${graphs}`;
};

/** An operation that is under way. */
const running = async (): Promise<string> => {
  const event = acceptedEvent({ operationId: operationIdFor('acme', undefined), kind: 'table.create' });
  await operations.putEvent(event);
  return event.operationId;
};
const end = (operationId: string) =>
  operations.putEvent({ ...acceptedEvent({ operationId }), seq: 2, type: 'failed', status: 'failed' });

const publication = (before: GraphTable, operationId: string, mode: 'create' | 'insert'): Publication =>
  publicationOn(before, {
    operationId,
    mode,
    parts: [{ key: newPartKey(before), rows: 10, bytes: 100, checksum: 'c' }],
  });

const stage = async (graphId: string, mode: 'create' | 'insert', at = AT) => {
  const operationId = await running();
  const mine = publication(await tables.claim(graphId, NAME, operationId), operationId, mode);
  return { operationId, mine, published: await tables.publish(graphId, NAME, mine, at) };
};

describe('a publication', () => {
  test('replaces or appends, tells what it replaced, and its doubles change nothing', async () => {
    const graphId = newGraph();
    const first = await stage(graphId, 'create');
    const second = await stage(graphId, 'insert');
    const third = await stage(graphId, 'create');
    expect(second.published?.table.parts).toEqual([...first.mine.parts, ...second.mine.parts.slice(1)]);
    expect(third.published?.removed).toEqual(second.mine.parts);

    const now = await store.get(graphId, NAME);
    for (const { mine } of [first, second, third])
      expect(await tables.publish(graphId, NAME, mine, '2027-01-01T00:00:00.000Z')).toEqual({
        table: now,
        removed: [],
      });
    expect(await store.get(graphId, NAME)).toEqual(now);
  });

  test('that comes after its claim was released publishes nothing, and the claim does not come back', async () => {
    const graphId = newGraph();
    const operationId = await running();
    const mine = publication(await tables.claim(graphId, NAME, operationId), operationId, 'create');
    await tables.release(graphId, NAME, operationId, AT);

    expect(await tables.publish(graphId, NAME, mine, AT)).toBeUndefined();
    await expect(tables.claim(graphId, NAME, operationId)).rejects.toMatchObject({ code: 'operation_over' });
    expect(await store.get(graphId, NAME)).toMatchObject({ version: 0, parts: [], writer: null });
  });

  test('that was made of what another has changed meanwhile publishes nothing, whoever has the claim', async () => {
    const graphId = newGraph();
    const operationId = await running();
    const old = publication(await store.get(graphId, NAME), operationId, 'create');
    const { published } = await stage(graphId, 'create');
    await tables.claim(graphId, NAME, operationId);
    expect(await tables.publish(graphId, NAME, old, AT)).toBeUndefined();
    expect(await store.get(graphId, NAME)).toMatchObject({ version: 1, parts: published?.table.parts });
  });

  test('is not done by a claim that comes after its own release', async () => {
    const graphId = newGraph();
    const operationId = await running();
    await tables.release(graphId, NAME, operationId, AT);
    await expect(tables.claim(graphId, NAME, operationId)).rejects.toMatchObject({ code: 'operation_over' });
  });

  test('stays when the claim is released after it', async () => {
    const graphId = newGraph();
    const { operationId, published } = await stage(graphId, 'create');
    await tables.release(graphId, NAME, operationId, AT);
    expect(await store.get(graphId, NAME)).toEqual(published?.table);
  });
});

describe('a claim', () => {
  test('is held by one operation, which the others are told, until it is over', async () => {
    const graphId = newGraph();
    const [first, second] = [await running(), await running()];
    const before = await tables.claim(graphId, NAME, first);
    expect(await tables.claim(graphId, NAME, first)).toEqual(before);
    await expect(tables.claim(graphId, NAME, second)).rejects.toMatchObject({ code: 'conflict', operationId: first });
    expect(await tables.holderOf(before)).toBe(first);

    await end(first);
    expect(await tables.holderOf(before)).toBeNull();
    expect(await tables.claim(graphId, NAME, second)).toMatchObject({ writer: second });
    // What the first had in hand is of no use any more.
    expect(await tables.publish(graphId, NAME, publication(before, first, 'create'), AT)).toBeUndefined();
  });

  test('is taken by one of many that come at once', async () => {
    const graphId = newGraph();
    const rivals = await Promise.all(Array.from({ length: 8 }, running));
    const outcomes = await Promise.allSettled(rivals.map((operationId) => tables.claim(graphId, NAME, operationId)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

/** What a table is to be, by what it was told in turn. */
class Model {
  writer: number | null = null;
  parts: string[] = [];
  versions = 0;
  readonly ended = new Map<number, number | null>();
}

describe('laws', () => {
  const command = fc.record({
    kind: fc.constantFrom('read', 'claim', 'claim', 'publish', 'publish', 'release'),
    who: fc.integer({ min: 0, max: 2 }),
    mode: fc.constantFrom('create', 'insert'),
  });

  test('whatever is doubled, late or out of order, a table is what those published who held it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 16 }), async (commands) => {
        const graphId = newGraph();
        const ids = [await running(), await running(), await running()];
        const inHand = new Map<number, Publication>();
        const model = new Model();
        for (const { kind, who, mode } of commands) {
          const operationId = ids[who] ?? '';
          if (kind === 'read') {
            // Too early: what it does then may be on what is not the newest.
            const before = await store.get(graphId, NAME);
            if (!inHand.has(who)) inHand.set(who, publication(before, operationId, mode));
          } else if (kind === 'claim') {
            const may = !model.ended.has(who) && (model.writer === null || model.writer === who);
            const claim = tables.claim(graphId, NAME, operationId);
            if (!may) await expect(claim).rejects.toThrow();
            else {
              // Work is done once on what was read; a repeated run publishes the same again.
              const before = await claim;
              if (!inHand.has(who)) inHand.set(who, publication(before, operationId, mode));
              model.writer = who;
            }
          } else if (kind === 'publish') {
            const mine = inHand.get(who);
            if (mine === undefined) continue;
            const isFirst = model.writer === who && model.versions === mine.version - 1;
            const isRepeated = model.ended.get(who) === mine.version;
            const published = await tables.publish(graphId, NAME, mine, AT);
            expect(published !== undefined).toBe(isFirst || isRepeated);
            if (!isFirst) continue;
            model.versions = mine.version;
            model.parts = mine.parts.map(({ key }) => key);
            model.ended.set(who, mine.version);
            model.writer = null;
          } else {
            await tables.release(graphId, NAME, operationId, AT);
            if (!model.ended.has(who)) model.ended.set(who, null);
            if (model.writer === who) model.writer = null;
          }
          const now = await store.get(graphId, NAME);
          expect(now.parts.map(({ key }) => key)).toEqual(model.parts);
          expect(now).toMatchObject({
            version: model.versions,
            writer: model.writer === null ? null : ids[model.writer],
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  test('many that insert at the same time, each trying twice until it has its turn, lose and double nothing', async () => {
    const graphId = newGraph();
    const insert = async (): Promise<string> => {
      const operationId = await running();
      for (;;) {
        const before = await tables.claim(graphId, NAME, operationId).catch(() => undefined);
        if (before === undefined) continue;
        const mine = publication(before, operationId, 'insert');
        const doubled = [tables.publish(graphId, NAME, mine, AT), tables.publish(graphId, NAME, mine, AT)];
        for (const published of await Promise.all(doubled)) expect(published?.table.version).toBe(mine.version);
        return mine.parts.at(-1)?.key ?? '';
      }
    };
    const keys = await Promise.all(Array.from({ length: 6 }, insert));
    const now = await store.get(graphId, NAME);
    expect(now.version).toBe(6);
    expect(now.parts.map(({ key }) => key).sort()).toEqual([...keys].sort());
  });
});

describe('tables that wait for a snapshot', () => {
  const waiting = async (graphId: string) =>
    (await store.listUnsettled({ limit: 100 })).items.filter((found) => found.graphId === graphId);

  test('are listed since their first change, until the version that was loaded is the newest', async () => {
    const graphId = newGraph();
    await stage(graphId, 'create', '2026-01-01T00:01:00.000Z');
    await stage(graphId, 'insert', '2026-01-01T00:02:00.000Z');
    expect(await waiting(graphId)).toEqual([{ graphId, table: NAME, since: '2026-01-01T00:01:00.000Z' }]);
    // A materialization that started before the second one.
    await tables.settle(graphId, NAME, 1);
    expect(await waiting(graphId)).toHaveLength(1);
    await tables.settle(graphId, NAME, 2);
    await tables.settle(graphId, NAME, 2);
    expect(await waiting(graphId)).toEqual([]);
    await stage(graphId, 'insert', '2026-01-01T00:03:00.000Z');
    expect(await waiting(graphId)).toMatchObject([{ since: '2026-01-01T00:03:00.000Z' }]);
  });
});

test('a table whose name every object has is a table as any other', async () => {
  const graphId = newGraph();
  const operationId = await running();
  const before = await tables.claim(graphId, 'constructor', operationId);
  await tables.publish(graphId, 'constructor', publication(before, operationId, 'create'), AT);
  expect(await store.list(graphId)).toMatchObject([{ table: 'constructor', version: 1 }]);
});
