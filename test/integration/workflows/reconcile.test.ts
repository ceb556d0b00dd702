import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OperationCommands, type OperationRequest } from '../../../domain/operation/operation-commands.ts';
import {
  MAX_ATTEMPTS,
  OperationReconciliation,
  UNDO_AGAIN_AFTER_MS,
} from '../../../domain/operation/operation-reconciliation.ts';
import type { Workflows } from '../../../domain/operation/workflows.ts';
import { DynamoRotationStore } from '../../../domain/rotation/dynamo-rotation-store.ts';
import { inconsistencies } from '../../fixtures/consistency.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import type { Scene } from './machine-under-test.ts';
import { provisionGraph } from './machines/provision-graph.ts';
import { openStage, type Stage } from './stage.ts';

const LONGER_THAN_ANY_SECONDS = 60 * 86_400;

let stage: Stage;
let scene: Scene;
let restore: () => Promise<void>;
let request: OperationRequest;

beforeAll(async () => {
  stage = await openStage();
  scene = await provisionGraph.open(stage);
  restore = await stage.keep();
});
afterAll(() => stage.close());
beforeEach(async () => {
  request = await scene.request();
  stage.lost.events = false;
});
afterEach(() => restore());

/** Starts an operation whose workflow comes to a state and then waits there, because nothing answers. */
const startAndWaitAt = async (state: string): Promise<void> => {
  const { operationId } = request;
  stage.faults.inject({ operationId, state, fault: 'never answers' });
  await stage.commands.accept(request);
  await stage.until(() => stage.faults.visited.get(operationId)?.includes(state) === true);
};

const readListing = async () => {
  const { items } = await stage.world();
  return items.find(({ pk, sk }) => pk === `OP#${request.operationId}` && sk === 'META');
};

const reconcile = () => stage.invoke('reconcile-operations', {});

const expectEnd = async (status: string, attempt: number): Promise<void> => {
  const { operationId } = request;
  await stage.finish(operationId);
  expect(await stage.log.last(operationId)).toMatchObject({ status, attempt });
  const world = await stage.world();
  expect(inconsistencies(world)).toEqual([]);
  if (status === 'succeeded') scene.expectDone(world, request);
  else expect({ graphs: [...world.graphs.keys()], objects: world.objects }).toEqual({ graphs: [], objects: [] });
};

describe.each(['the event', 'the schedule'] as const)('found by %s', (by) => {
  beforeEach(() => {
    stage.lost.events = by === 'the schedule';
  });
  const found = async () => {
    if (by === 'the schedule') await reconcile();
  };

  test('an execution that was stopped by hand is undone, and the operation failed', async () => {
    await startAndWaitAt('ActivateGraph');
    await stage.stopByHand(request.operationId);
    await found();
    await expectEnd('failed', 2);
    expect(await stage.log.last(request.operationId)).toMatchObject({ error: { code: 'internal', retryable: true } });
  });

  test('an execution that was stopped in the middle of its undo is undone by another', async () => {
    const { operationId } = request;
    stage.faults.inject({ operationId, state: 'ActivateGraph', fault: 'fails before the work' });
    await startAndWaitAt('DropDatabase');
    stage.faults.heal(operationId);
    await stage.stopByHand(request.operationId);
    await found();
    await expectEnd('failed', 2);
  });

  test('an execution that took too long is undone, and the operation timed out', async () => {
    await startAndWaitAt('BuildGraph');
    stage.clock.advanceSeconds(LONGER_THAN_ANY_SECONDS);
    await found();
    await expectEnd('timed_out', 2);
  });

  test('attempts that are all lost end as an undo that failed, and `retry` finishes it', async () => {
    const { operationId } = request;
    await startAndWaitAt('ActivateGraph');
    stage.faults.inject({ operationId, state: 'FreeSlot', fault: 'never answers' });
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      if (attempt > 1) {
        const frees = () => stage.faults.visited.get(operationId)?.filter((state) => state === 'FreeSlot').length;
        await stage.until(() => frees() === attempt - 1);
      }
      await stage.stopByHand(operationId);
      await found();
    }
    await stage.finish(operationId);
    expect(await stage.log.last(operationId)).toMatchObject({ status: 'compensation_failed', attempt: MAX_ATTEMPTS });
    const world = await stage.world();
    expect(inconsistencies(world)).toEqual([]);
    // What is left can be found: the record names the instance that has the slot.
    expect(world.graphs.get(request.graphId ?? '')?.placement).toBe('inst-standard-1');

    stage.faults.heal(operationId);
    await stage.commands.retry(operationId, { actor: 'olga' });
    await expectEnd('failed', MAX_ATTEMPTS + 1);
  });
});

test('an undo that failed is taken up again after a while, and not before', async () => {
  const { operationId } = request;
  for (const state of ['ActivateGraph', 'FreeSlot']) {
    stage.faults.inject({ operationId, state, fault: 'fails before the work' });
  }
  await stage.commands.accept(request);
  await stage.finish(operationId);
  const failed = await stage.log.last(operationId);
  expect(failed).toMatchObject({ status: 'compensation_failed', attempt: 1 });

  stage.faults.heal(operationId);
  const { log, commands, workflows, inputs } = stage;
  const rotations = new DynamoRotationStore(stage.table);
  for (const [waitedMs, driven] of [
    [UNDO_AGAIN_AFTER_MS - 1, 0],
    [UNDO_AGAIN_AFTER_MS, 1],
  ] as const) {
    const now = () => new Date(Date.parse(failed.at) + waitedMs);
    const reconciliation = new OperationReconciliation(log, commands, workflows, inputs, { now });
    expect(await reconciliation.takeTurn(rotations, 50)).toEqual({ driven, failed: 0, waiting: 0 });
  }
  await expectEnd('failed', 2);
});

describe('the schedule', () => {
  test('starts what was accepted and never started', async () => {
    await new OperationCommands(stage.log, unreachable).accept(request);
    expect(stage.running.size).toBe(0);
    await reconcile();
    await expectEnd('succeeded', 1);
  });

  test('drives a cancellation whose caller could not reach Step Functions', async () => {
    await startAndWaitAt('BuildGraph');
    await new OperationCommands(stage.log, unreachable).cancel(request.operationId, { actor: 'ada' });
    await reconcile();
    await expectEnd('cancelled', 2);
  });

  test('leaves alone what runs, and what is over', async () => {
    await startAndWaitAt('BuildGraph');
    const before = await stage.log.last(request.operationId);
    expect(await reconcile()).toEqual({ driven: 0, failed: 0, waiting: 0 });
    expect(await stage.log.last(request.operationId)).toEqual(before);
    stage.faults.heal(request.operationId);
    await expectEnd('succeeded', 1);
    expect(await reconcile()).toEqual({ driven: 0, failed: 0, waiting: 0 });
  });

  test('counts what has not begun, or is queued, for over five minutes; not what runs, or waits for an answer', async () => {
    const { log, commands, inputs, table } = stage;
    const open = async () => {
      const { operationId, ...event } = acceptedEvent();
      await log.project((await log.open({ ...event, operationId })).accepted);
      return operationId;
    };
    const queue = { type: 'progress', status: 'queued', message: 'Waiting' } as const;
    const [, queued, asking, running] = [await open(), await open(), await open(), await open()];
    await log.append(queued, queue);
    const ask = { question: 'Shall it?', options: ['yes', 'no'], scope: 'fleet:operate' } as const;
    await log.append(asking, { ...queue, ask });
    await log.append(running, { type: 'started', message: 'Started' });
    const allRun: Workflows = { start: async () => {}, stop: async () => {}, stateOf: async () => 'running' };
    const waitingAfter = async (minutes: number) => {
      const now = () => new Date(Date.now() + minutes * 60_000);
      const reconciliation = new OperationReconciliation(log, commands, allRun, inputs, { now });
      return (await reconciliation.takeTurn(new DynamoRotationStore(table), 50)).waiting;
    };
    expect([await waitingAfter(4), await waitingAfter(6)]).toEqual([0, 2]);
  });

  test('brings up to date what is over and still listed as open', async () => {
    const { operationId } = request;
    await stage.commands.accept(request);
    const listed = await readListing();
    await stage.finish(operationId);
    // Whoever wrote the end died before the listing was moved.
    await stage.table.documents.send(new PutCommand({ TableName: stage.table.tableName, Item: listed }));
    expect(await stage.log.listOpen({ limit: 1 })).toMatchObject({ items: [{ operationId, status: 'accepted' }] });
    await reconcile();
    expect(await stage.log.listOpen({ limit: 1 })).toEqual({ items: [], cursor: null });
    await expectEnd('succeeded', 1);
  });
});

describe('two at once', () => {
  test('two reconcilers that find the same give it one new attempt', async () => {
    const { operationId } = request;
    stage.lost.events = true;
    await startAndWaitAt('ActivateGraph');
    await stage.stopByHand(request.operationId);
    await Promise.all(Array.from({ length: 5 }, () => stage.reconciliation.settle(operationId)));
    await expectEnd('failed', 2);
    const events = await stage.log.events(operationId, 0, 100);
    expect(events.filter(({ type }) => type === 'compensating')).toHaveLength(1);
  });

  test('a job that writes on while its execution is found to be over does not keep it from being settled', async () => {
    const { operationId } = request;
    stage.lost.events = true;
    await startAndWaitAt('ActivateGraph');
    await stage.stopByHand(operationId);
    let wrote = false;
    const { workflows, log, commands, inputs } = stage;
    const meanwhile: Workflows = {
      ...allRun,
      stateOf: async (attempt) => {
        if (!wrote) await log.append(operationId, { type: 'progress', message: 'Still at it' });
        wrote = true;
        return workflows.stateOf(attempt);
      },
    };
    expect(await new OperationReconciliation(log, commands, meanwhile, inputs).settle(operationId)).toBe(true);
    await expectEnd('failed', 2);
  });

  test.each(['BuildGraph', 'ActivateGraph'])(
    'an execution whose stop was lost at %s goes on beside the one that undoes, and nothing is left',
    async (state) => {
      const { operationId } = request;
      await startAndWaitAt(state);
      await stage.commandsWithoutStop.cancel(operationId, { actor: 'ada' });
      expect(stage.running.size).toBe(2);
      stage.faults.heal(operationId);
      await expectEnd('cancelled', 2);
      expect(stage.running.size).toBe(0);
    },
  );
});

describe('the work of a run', () => {
  const OPERATIONS_A_RUN = 50;

  const openOperations = async (count: number): Promise<string[]> => {
    const events = Array.from({ length: count }, () => acceptedEvent());
    for (let at = 0; at < events.length; at += 25) {
      await Promise.all(
        events.slice(at, at + 25).map(async ({ message, actor, ...event }) => {
          const opened = await stage.log.open({ ...event, message, actor });
          await stage.log.project(opened.accepted);
        }),
      );
    }
    return events.map(({ operationId }) => operationId);
  };

  test('is the same for 100 and for 1,000 open operations, and all of them have their turn', async () => {
    const rotations = new DynamoRotationStore(stage.table);
    const seen: string[] = [];
    const workflows: Workflows = {
      ...allRun,
      stateOf: async ({ operationId }) => {
        seen.push(operationId);
        return 'running';
      },
    };
    const reconciliation = new OperationReconciliation(
      stage.log,
      new OperationCommands(stage.log, workflows),
      workflows,
      stage.inputs,
    );
    const requests = { count: 0 };
    stage.table.documents.middlewareStack.add(
      (next) => (request) => {
        requests.count += 1;
        return next(request);
      },
      { step: 'initialize', name: 'counts-requests', override: true },
    );
    const requestsOfARun = async () => {
      requests.count = 0;
      await reconciliation.takeTurn(rotations, OPERATIONS_A_RUN);
      return requests.count;
    };
    const operationIds = await openOperations(100);
    const withAHundred = await requestsOfARun();
    operationIds.push(...(await openOperations(900)));
    seen.length = 0;
    const runs: number[] = [];
    for (let run = 0; run <= 1_000 / OPERATIONS_A_RUN; run += 1) runs.push(await requestsOfARun());
    stage.table.documents.middlewareStack.remove('counts-requests');

    // The rotation read and moved, one page of the listing, and the newest event of each; of failed undos, none: the rotation and the page.
    expect(withAHundred).toBe(OPERATIONS_A_RUN + 5);
    expect(Math.max(...runs)).toBe(withAHundred);
    expect(new Set(seen)).toEqual(new Set(operationIds));
  });
});

/** Executions that are all as they should be. */
const allRun: Workflows = { start: async () => {}, stop: async () => {}, stateOf: async () => 'running' };

/** Step Functions, while it can not be reached. */
const unreachable: Workflows = {
  start: () => Promise.reject(new Error('Unreachable')),
  stop: () => Promise.reject(new Error('Unreachable')),
  stateOf: () => Promise.reject(new Error('Unreachable')),
};
