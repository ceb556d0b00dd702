import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DynamoCreditStore } from '../../../domain/billing/dynamo-credit-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { FLEET_TENANT, type Operation } from '../../../domain/operation/operation.ts';
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import { DynamoRepositoryStore } from '../../../domain/repository/dynamo-repository-store.ts';
import { creditPoolOf } from '../../../domain/repository/repository-access.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const NAMES = [
  'ensure-repository',
  'grant-access',
  'allocate-access-credits',
  'activate-access',
  'deactivate-access',
  'revoke-access-credits',
  'revoke-access',
] as const;
const REPOSITORY = 'filings';
const error = { code: 'internal', message: 'It broke', retryable: true } as const;

let on: StepsOnTable<(typeof NAMES)[number]>;
let repositories: DynamoRepositoryStore;
let accesses: DynamoRepositoryAccessStore;
let credits: DynamoCreditStore;

beforeAll(async () => {
  on = await stepsOnTable(NAMES, {
    STATE_MACHINE_ARN_PREFIX: 'arn:aws:states:us-east-1:000000000000:stateMachine:',
    // Nothing answers: what is accepted here is not started.
    AWS_ENDPOINT_URL_SFN: 'http://127.0.0.1:1',
  });
  repositories = new DynamoRepositoryStore(on.table);
  accesses = new DynamoRepositoryAccessStore(on.table);
  credits = new DynamoCreditStore(on.table);
});
afterAll(() => on.close());

/** Each test has a tenant of its own, and a repository that nobody has asked for yet. */
let count = 0;
let tenantId: string;
let creationsBefore: number;
beforeEach(async () => {
  count += 1;
  tenantId = `tenant-${count}`;
  await repositories.moveOn(REPOSITORY, await repositories.attempt(REPOSITORY));
  creationsBefore = (await creations()).length;
});

const creations = async (): Promise<Operation[]> =>
  (await on.store.listByTenant(FLEET_TENANT, {}, { limit: 100 })).items;

const newestCreation = async (): Promise<Operation> => {
  const [newest, ...others] = await creations();
  if (newest === undefined || others.length !== creationsBefore) throw new Error('Not just one was created.');
  return newest;
};

type Input = { operationId: string };
const ask = async (tenant = tenantId, at = new Date().toISOString()): Promise<Input> => {
  const event = acceptedEvent({
    kind: 'repository.access',
    tenantId: tenant,
    graphId: null,
    createdAt: at,
    request: { repository: REPOSITORY, plan: 'reader' },
  });
  await on.store.putEvent(event);
  return { operationId: event.operationId };
};

/** What provision-graph does for the repository that was asked for. */
const create = async (): Promise<string> => {
  const { operationId } = await newestCreation();
  const { graphId } = await on.graphs.create(graphRequestedBy(await on.log.first(operationId)));
  await on.log.append(operationId, { type: 'started', message: 'Slot taken' });
  await on.graphs.publish(graphId, writerOf(operationId), newSnapshot(graphId, 1, { checksum: 'aa', bytes: 1 }));
  await on.graphs.activate(graphId, writerOf(operationId));
  await on.log.append(operationId, { type: 'succeeded', message: 'Graph active', result: { graphId } });
  return graphId;
};

/** An operation whose repository is there. */
const ensured = async (): Promise<Input> => {
  const input = await ask();
  await expect(on.steps['ensure-repository'](input)).rejects.toThrow(/graph_not_ready/);
  await create();
  await on.steps['ensure-repository'](input);
  return input;
};

const forward = ['grant-access', 'allocate-access-credits', 'activate-access'] as const;
const run = async (input: Input, steps: readonly (typeof NAMES)[number][]) => {
  for (const name of steps) await on.steps[name](input);
};
const undoing = ({ operationId }: Input) =>
  on.log.append(operationId, { type: 'compensating', message: 'Undoing', error });
const undo = (input: Input) => run(input, ['deactivate-access', 'revoke-access-credits', 'revoke-access']);

const state = async ({ operationId }: Input) => {
  const access = await accesses.get(tenantId, REPOSITORY);
  const pool = await credits.get(tenantId, creditPoolOf(REPOSITORY, operationId));
  return { status: access?.status, operationId: access?.operationId, balance: pool?.balance };
};
const nothing = { status: undefined, operationId: undefined, balance: undefined };

describe('a repository', () => {
  test('that many tenants ask for at once is created once', async () => {
    const asked = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => ask(`${tenantId}-${name}`)));
    for (let round = 0; round < 2; round += 1) {
      const answers = await Promise.allSettled(asked.map((input) => on.steps['ensure-repository'](input)));
      for (const answer of answers) expect(answer).toMatchObject({ status: 'rejected', reason: { name: 'Retryable' } });
    }
    expect(await newestCreation()).toMatchObject({ kind: 'graph.create', tenantId: FLEET_TENANT });
    const graphId = await create();
    expect(await on.graphs.get(graphId)).toMatchObject({ kind: 'repository', tier: 'shared', name: REPOSITORY });
    await Promise.all(asked.map((input) => on.steps['ensure-repository'](input)));
    expect((await newestCreation()).graphId).toBe(graphId);
  });

  test('that could not be created fails those who waited, and the next who asks has it tried again', async () => {
    const early = await ask();
    await expect(on.steps['ensure-repository'](early)).rejects.toThrow(/graph_not_ready/);
    const failed = await newestCreation();
    await on.log.append(failed.operationId, { type: 'failed', message: 'Failed', error });
    await expect(on.steps['ensure-repository'](early)).rejects.toMatchObject({ name: 'Terminal' });

    const late = await ask(tenantId, new Date(Date.parse(failed.createdAt) + 1).toISOString());
    await expect(on.steps['ensure-repository'](late)).rejects.toThrow(/graph_not_ready/);
    await expect(on.steps['ensure-repository'](late)).rejects.toThrow(/graph_not_ready/);
    creationsBefore += 1;
    expect((await newestCreation()).graphId).not.toBe(failed.graphId);
    await create();
    await on.steps['ensure-repository'](late);
  });
});

describe('an access', () => {
  test('is active with the credits of its plan, and each of its steps may run twice', async () => {
    const input = await ensured();
    await run(input, [
      'ensure-repository',
      ...forward.flatMap((name) => (name === 'activate-access' ? name : [name, name])),
    ]);
    expect(await state(input)).toEqual({ status: 'active', ...input, balance: 1_000 });
    expect(await on.log.last(input.operationId)).toMatchObject({
      status: 'succeeded',
      result: { repository: REPOSITORY, plan: 'reader', existed: false },
    });
    await expect(run(input, forward)).rejects.toThrow(/operation_over/);
    expect(await state(input)).toEqual({ status: 'active', ...input, balance: 1_000 });
  });

  test.each([0, 1, 2, 3])(
    'of which %i steps were done leaves nothing when it is undone, once or twice',
    async (done) => {
      const input = await ensured();
      await run(input, forward.slice(0, Math.min(done, 2)));
      // The step has run; what it tells the log comes too late.
      if (done === 3) await accesses.activate(tenantId, REPOSITORY, input.operationId);
      await undoing(input);
      await undo(input);
      expect(await state(input)).toEqual(nothing);
      await undo(input);
      expect(await state(input)).toEqual(nothing);
    },
  );

  test('that is there already is neither made again nor undone by another operation', async () => {
    const first = await ensured();
    await run(first, forward);
    const second = await ask();
    await run(second, ['ensure-repository', ...forward]);
    expect((await on.log.last(second.operationId)).result).toMatchObject({ existed: true });
    const third = await ask();
    await run(third, ['ensure-repository', 'grant-access', 'allocate-access-credits']);
    await undoing(third);
    await undo(third);
    expect(await state(first)).toEqual({ status: 'active', ...first, balance: 1_000 });
    expect((await state(third)).balance).toBeUndefined();
  });

  test('is granted by one operation at a time: another hears whose it is', async () => {
    const [first, second] = [await ensured(), await ask()];
    await run(first, ['grant-access']);
    await run(second, ['ensure-repository']);
    await expect(on.steps['grant-access'](second)).rejects.toThrow(new RegExp(`conflict.*${first.operationId}`));
    await undoing(second);
    await undo(second);
    expect(await state(first)).toMatchObject({ status: 'granting', ...first });
  });

  test('that was undone can be asked for again, with all its credits', async () => {
    const first = await ensured();
    await run(first, ['grant-access', 'allocate-access-credits']);
    await undoing(first);
    await undo(first);
    const second = await ask();
    await run(second, ['ensure-repository', ...forward]);
    expect(await state(second)).toEqual({ status: 'active', ...second, balance: 1_000 });
  });
});

describe('a step that comes after its undo changes nothing', () => {
  const undoneMeanwhile = (input: Input) => async () => {
    await undoing(input);
    await undo(input);
    await on.log.append(input.operationId, { type: 'failed', message: 'Failed', error });
  };

  test('GrantAccess', async () => {
    const input = await ensured();
    on.holdUp('GetItem', 'REPOSITORY#', undoneMeanwhile(input));
    await expect(on.steps['grant-access'](input)).rejects.toThrow(/operation_over/);
    expect(await state(input)).toEqual(nothing);
  });

  test('GrantAccess of which an earlier run was done', async () => {
    const input = await ensured();
    await run(input, ['grant-access']);
    on.holdUp('GetItem', 'REPOSITORY#', undoneMeanwhile(input));
    await expect(on.steps['grant-access'](input)).rejects.toThrow(/operation_over/);
    expect(await state(input)).toEqual(nothing);
  });

  test('AllocateCredits', async () => {
    const input = await ensured();
    await run(input, ['grant-access']);
    on.holdUp('GetItem', 'TENANT#', undoneMeanwhile(input));
    await expect(on.steps['allocate-access-credits'](input)).rejects.toThrow(/operation_over|taken back/);
    expect(await state(input)).toEqual(nothing);
  });

  test('ActivateAccess', async () => {
    const input = await ensured();
    await run(input, ['grant-access', 'allocate-access-credits']);
    on.holdUp('UpdateItem', 'ACCESS#', undoneMeanwhile(input));
    await expect(on.steps['activate-access'](input)).rejects.toMatchObject({ name: 'Terminal' });
    expect(await state(input)).toEqual(nothing);
  });
});
