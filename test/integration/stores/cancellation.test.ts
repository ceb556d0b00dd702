import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import type { EventDraft, OperationEvent } from '../../../domain/operation/operation-event.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Attempt, Workflows } from '../../../domain/operation/workflows.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';

const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const ada = { actor: 'ada' };

/** What a step that is late may still want to write. */
const LATE: EventDraft[] = [
  { type: 'started', step: 'takeSlot', percent: 10, message: 'Slot taken' },
  { type: 'step_completed', step: 'build', percent: 50, message: 'Built' },
  { type: 'progress', status: 'queued', message: 'Waits' },
  { type: 'progress', message: 'The next step can not be taken back', pointOfNoReturn: true },
  { type: 'succeeded', message: 'Done', result: {} },
  { type: 'partial', message: 'Almost', result: {} },
];

let store: DynamoOperationStore;
let log: OperationLog;
let commands: OperationCommands;
let driven: [string, number][];
let close: () => Promise<void>;

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  store = new DynamoOperationStore(started.table);
  log = new OperationLog(store);
  driven = [];
  const workflows: Workflows = {
    start: async ({ attempt }: Attempt) => void driven.push(['start', attempt]),
    stop: async ({ attempt }: Attempt) => void driven.push(['stop', attempt]),
    stateOf: async () => 'running',
  };
  commands = new OperationCommands(log, workflows);
});
afterAll(() => close());

const running = async (...drafts: EventDraft[]): Promise<string> => {
  const event = acceptedEvent();
  await store.putEvent(event);
  for (const draft of [{ type: 'started', message: 'Started' } as const, ...drafts]) {
    await log.append(event.operationId, draft);
  }
  driven.length = 0;
  return event.operationId;
};

const CANCELLED: [string, EventDraft[]][] = [
  ['cancelling', []],
  ['compensating', [{ type: 'compensating', message: 'Undoing', error }]],
  [
    'cancelled',
    [
      { type: 'compensating', message: 'Undoing', error },
      { type: 'cancelled', message: 'Cancelled', error: null },
    ],
  ],
];

describe.each(CANCELLED)('what comes late to an operation that is %s', (status, drafts) => {
  test.each(LATE)('$type changes nothing: $message', async (draft) => {
    const operationId = await running();
    await commands.cancel(operationId, ada);
    for (const following of drafts) await log.append(operationId, following);
    const before = await log.events(operationId, 0, 100);
    await expect(log.append(operationId, draft)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await log.events(operationId, 0, 100)).toEqual(before);
    expect(before.at(-1)?.status).toBe(status);
  });
});

test('a step and a cancellation that meet are written one after the other, and the cancellation stays', async () => {
  for (let round = 0; round < 20; round += 1) {
    const operationId = await running();
    const append = (draft: EventDraft) => log.append(operationId, draft).catch((refusal: unknown) => refusal);
    await Promise.all([
      append({ type: 'step_completed', step: 'build', message: 'Built' }),
      commands.cancel(operationId, ada).catch((refusal: unknown) => refusal),
      append({ type: 'succeeded', message: 'Done', result: {} }),
    ]);
    const events = await log.events(operationId, 0, 100);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    const at = events.findIndex(({ status }) => status === 'cancelling');
    const after: OperationEvent[] = at === -1 ? [] : events.slice(at);
    expect(after.every(({ status }) => status === 'cancelling')).toBe(true);
    expect(['cancelling', 'succeeded']).toContain(events.at(-1)?.status);
  }
});

test('a cancellation stops the execution and starts the one that undoes; repeated, it does so again and writes nothing', async () => {
  const operationId = await running();
  await commands.cancel(operationId, ada);
  const first = await log.events(operationId, 0, 100);
  await commands.cancel(operationId, { actor: 'grace' });
  expect(await log.events(operationId, 0, 100)).toEqual(first);
  expect(driven).toEqual([
    ['stop', 1],
    ['start', 2],
    ['stop', 1],
    ['start', 2],
  ]);
});

test('a cancellation is repeated while what it led to is being undone, and refused when that is over', async () => {
  const operationId = await running();
  await commands.cancel(operationId, ada);
  await log.append(operationId, { type: 'compensating', message: 'Undoing', error });
  expect((await commands.cancel(operationId, ada)).status).toBe('compensating');
  await log.append(operationId, { type: 'cancelled', message: 'Cancelled', error: null });
  await expect(commands.cancel(operationId, ada)).rejects.toMatchObject({ code: 'operation_over' });
});

test('an operation that is past its point of no return, or is undone because it failed, is not cancelled', async () => {
  const noReturn: EventDraft = { type: 'progress', message: 'No way back', pointOfNoReturn: true };
  for (const draft of [noReturn, { type: 'compensating', message: 'Undoing', error } as const]) {
    await expect(commands.cancel(await running(draft), ada)).rejects.toMatchObject({ code: 'conflict' });
  }
});
