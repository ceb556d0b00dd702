import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Refusal } from '../../../domain/failure.ts';
import { DynamoLetterStore } from '../../../domain/letter/dynamo-letter-store.ts';
import { LetterBox } from '../../../domain/letter/letter-box.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

const page = { limit: 100 };

let close: () => Promise<void>;
let store: DynamoLetterStore;
let rotations: DynamoRotationStore;
let inbox: LetterBox;
let now: Date;
/** What is done about an event; a test says what. */
let apply: (text: string) => Promise<void>;
let applied: string[];

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  store = new DynamoLetterStore(started.table, 'webhook');
  rotations = new DynamoRotationStore(started.table);
  const note = async ({ text }: { text: string }) => {
    applied.push(text);
    await apply(text);
    return 'processed' as const;
  };
  inbox = new LetterBox(store, note, { now: () => now });
});
afterAll(() => close());

beforeEach(() => {
  now = new Date('2026-01-01T00:00:00Z');
  applied = [];
  apply = async () => undefined;
});

let count = 0;
const newEvent = () => {
  count += 1;
  return `evt_${count}`;
};
const later = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1_000);
};
const takeTurn = () => inbox.takeTurn(rotations, 100);

describe('an event', () => {
  test('delivered ten times at once is processed once', async () => {
    const eventId = newEvent();
    await Promise.all(Array.from({ length: 10 }, () => inbox.receive(eventId, eventId)));
    expect(applied).toEqual([eventId]);
    expect(await store.get(eventId)).toMatchObject({ state: 'processed', attempts: 1, reason: null });
    await inbox.receive(eventId, eventId);
    expect(applied).toEqual([eventId]);
  });

  test('that was kept and not processed, because the process died, is processed by the schedule', async () => {
    const eventId = newEvent();
    await store.receive(eventId, eventId, now.toISOString(), new Date(now.getTime() + 90_000).toISOString());
    // Somebody may be at it still.
    await takeTurn();
    expect(applied).toEqual([]);
    later(91);
    await takeTurn();
    expect(applied).toEqual([eventId]);
    expect(await store.get(eventId)).toMatchObject({ state: 'processed', attempts: 2 });
    expect((await store.list('received', page)).items).toEqual([]);
  });

  test('that was kept and not processed is processed when it is delivered again', async () => {
    const eventId = newEvent();
    await store.receive(eventId, eventId, now.toISOString(), now.toISOString());
    later(1);
    await inbox.receive(eventId, eventId);
    expect(applied).toEqual([eventId]);
  });

  test('that fails is tried again, and after ten attempts is a dead letter with the reason', async () => {
    const eventId = newEvent();
    apply = async () => {
      throw new Error('The store is away');
    };
    await inbox.receive(eventId, eventId);
    expect(await store.get(eventId)).toMatchObject({ state: 'received', attempts: 1, reason: 'The store is away' });
    for (let turn = 0; turn < 12; turn += 1) await takeTurn();
    expect(applied).toHaveLength(10);
    expect((await store.list('dead', page)).items).toMatchObject([
      { eventId, state: 'dead', attempts: 10, reason: 'The store is away' },
    ]);
    apply = async () => undefined;
    await inbox.redrive(eventId);
  });

  test('that kills whoever processes it is a dead letter in the end', async () => {
    const eventId = newEvent();
    await store.receive(eventId, eventId, now.toISOString(), now.toISOString());
    for (let attempt = 0; attempt < 12; attempt += 1) {
      later(1);
      // Taken up, and never heard of again.
      await store.claim(eventId, 'received', now.toISOString(), now.toISOString());
    }
    later(1);
    await takeTurn();
    expect(applied).toEqual([]);
    expect(await store.get(eventId)).toMatchObject({ state: 'dead' });
    await inbox.redrive(eventId);
  });

  test('whose content can not be used is a dead letter at once', async () => {
    const eventId = newEvent();
    apply = async () => {
      throw new Refusal('invalid_request', 'The event is not valid: data.plan');
    };
    await inbox.receive(eventId, eventId);
    expect(await store.get(eventId)).toMatchObject({ state: 'dead', attempts: 1 });
    apply = async () => undefined;
    await inbox.redrive(eventId);
  });
});

describe('a dead letter', () => {
  const dead = async () => {
    const eventId = newEvent();
    apply = async () => {
      throw new Refusal('invalid_request', 'Not yet known');
    };
    await inbox.receive(eventId, eventId);
    apply = async () => undefined;
    applied = [];
    return eventId;
  };

  test('redriven five times at once is processed once, and the others hear of it', async () => {
    const eventId = await dead();
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => inbox.redrive(eventId)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
    }
    expect(applied).toEqual([eventId]);
    expect(await store.get(eventId)).toMatchObject({ state: 'processed', attempts: 1 });
  });

  test('that is being redriven is not taken up by the schedule or by a delivery too', async () => {
    const eventId = await dead();
    const { promise, resolve } = Promise.withResolvers<void>();
    apply = () => promise;
    const redriven = inbox.redrive(eventId);
    while (applied.length === 0) await takeTurn();
    await takeTurn();
    await inbox.receive(eventId, eventId);
    resolve();
    expect(await redriven).toMatchObject({ state: 'processed' });
    expect(applied).toEqual([eventId]);
  });

  test('that fails again is dead again', async () => {
    const eventId = await dead();
    apply = async () => {
      throw new Refusal('invalid_request', 'Still not known');
    };
    expect(await inbox.redrive(eventId)).toMatchObject({ state: 'dead', reason: 'Still not known', attempts: 1 });
  });

  test('that is not there, or not dead, can not be redriven', async () => {
    await expect(inbox.redrive('evt_none')).rejects.toMatchObject({ code: 'not_found' });
    const eventId = newEvent();
    await inbox.receive(eventId, eventId);
    await expect(inbox.redrive(eventId)).rejects.toMatchObject({ code: 'conflict' });
  });
});
