import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FailureOptions, Refusal } from '../../../domain/failure.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationCommands } from '../../../domain/operation/operation-commands.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { problemResponse } from '../../../functions/pipeline/problem-response.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

let log: OperationLog;
let commands: OperationCommands;
let started: string[];
let close: () => Promise<void>;

beforeAll(async () => {
  const { table, close: end } = await startControlTable();
  close = end;
  log = new OperationLog(new DynamoOperationStore(table));
  started = [];
  const workflows: Workflows = {
    start: async ({ operationId }) => void started.push(operationId),
    stop: async () => {},
    stateOf: async () => 'running',
  };
  commands = new OperationCommands(log, workflows);
});
afterAll(() => close());

const asked = () =>
  ({
    operationId: operationIdFor('acme', undefined),
    kind: 'graph.materialize',
    tenantId: 'acme',
    graphId: 'kg_1',
    actor: 'ada',
    request: {},
  }) as const;

const refusing = (message: string, options?: FailureOptions) => async () => {
  throw new Refusal('conflict', message, options);
};
const admitting = async () => {};

/** What the client is shown. */
const answerTo = async (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'accepted',
    (error: unknown) => problemResponse(error, { awsRequestId: 'r' } as Context),
  );

test.each([
  ['that names another operation', { operationId: 'op_other' }],
  ['that names fields', { issues: [{ path: 'tables.0', message: 'The graph has no such table.' }] }],
  ['that names nothing', {}],
])('a refusal %s is the answer to the same call again, whatever is free by then', async (_what, options) => {
  const request = asked();
  const first = await answerTo(commands.accept(request, refusing('The graph is being written.', options)));
  expect(first).toMatchObject({ status: 409, body: { code: 'conflict', detail: 'The graph is being written.' } });
  expect(await answerTo(commands.accept(request, admitting))).toEqual(first);
  expect(await answerTo(commands.accept(request, refusing('Another reason.')))).toEqual(first);
  expect(await log.get(request.operationId)).toMatchObject({ status: 'failed', seq: 2 });
  expect(started).not.toContain(request.operationId);
});

test('a refused call that comes again with another request is told that the key was used', async () => {
  const request = asked();
  await answerTo(commands.accept(request, refusing('No.')));
  await expect(commands.accept({ ...request, request: { force: true } }, admitting)).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });
});

test('a call that died before it was admitted is admitted, or refused for good, when it comes again', async () => {
  const died = async () => {
    throw new Error('The process is gone.');
  };
  const admitted = asked();
  expect(await commands.accept(admitted, died)).toMatchObject({ startError: expect.any(Error) });
  expect(await answerTo(commands.accept(admitted, admitting))).toBe('accepted');
  expect(started).toContain(admitted.operationId);

  const refused = asked();
  await commands.accept(refused, died);
  const first = await answerTo(commands.accept(refused, refusing('The graph is being written.')));
  expect(first).toMatchObject({ status: 409 });
  expect(await answerTo(commands.accept(refused, admitting))).toEqual(first);
});

test('a call whose double was admitted meanwhile is accepted, and what its double began goes on', async () => {
  const request = asked();
  const lateToBegun = async () => {
    await commands.accept(request, admitting);
    await log.append(request.operationId, { type: 'started', message: 'Started' });
    throw new Refusal('conflict', 'The claim has passed on.');
  };
  expect(await answerTo(commands.accept(request, lateToBegun))).toBe('accepted');
  expect(await log.get(request.operationId)).toMatchObject({ status: 'running' });
});

test('a call whose double has ended meanwhile is accepted', async () => {
  const request = asked();
  const lateToEnded = async () => {
    await commands.accept(request, admitting);
    await log.append(request.operationId, { type: 'started', message: 'Started' });
    await log.append(request.operationId, { type: 'succeeded', message: 'Done', result: {} });
    throw new Refusal('operation_over', 'The operation has ended its work.');
  };
  expect(await answerTo(commands.accept(request, lateToEnded))).toBe('accepted');
  expect(await log.get(request.operationId)).toMatchObject({ status: 'succeeded' });
});

test('a call whose double was refused meanwhile gets the answer of its double', async () => {
  const request = asked();
  let first: unknown;
  const late = async () => {
    first = await answerTo(commands.accept(request, refusing('"op_1" writes it.', { operationId: 'op_1' })));
    throw new Refusal('conflict', '"op_2" writes it.', { operationId: 'op_2' });
  };
  expect(await answerTo(commands.accept(request, late))).toEqual(first);
});
