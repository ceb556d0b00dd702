import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { OperationRequest } from '../../../domain/operation/operation-commands.ts';
import { STATE_MACHINE_ARN_PREFIX } from '../../../local/state-machines.ts';
import { makeGraph } from './machines/provision-graph.ts';
import { askForJob } from './machines/run-external-job.ts';
import { openStage, type Stage } from './stage.ts';

/** 2,880 looks, each a call of a function. */
const A_DAY_OF_LOOKS_MS = 300_000;

/** What becomes of a job that is let alone. What happens to the workflow itself is in `run-external-job.test.ts`. */
const COURSE = ['QUEUED', 'STARTING', 'STARTED', 'SUCCESS'] as const;

let stage: Stage;
let restore: () => Promise<void>;
let graphId: string;
let request: OperationRequest;

beforeAll(async () => {
  stage = await openStage();
  graphId = await makeGraph(stage);
  restore = await stage.keep();
});
afterAll(() => stage.close());
beforeEach(() => {
  request = askForJob(graphId);
});
afterEach(async () => {
  Object.assign(stage.dagster.behaviour, { course: COURSE, isDown: false });
  await restore();
});

const run = async () => {
  await stage.commands.accept(request);
  await stage.finish(request.operationId);
  return stage.log.last(request.operationId);
};

const afterwards = (state: string, act: () => Promise<unknown>) =>
  stage.faults.afterwards({ operationId: request.operationId, from: '', after: state, act });
const cancel = () => stage.commands.cancel(request.operationId, { actor: 'ada' });
const runs = () => stage.dagster.runOf(request.operationId);
const looks = () => stage.faults.visited.get(request.operationId)?.filter((state) => state === 'AwaitJob').length ?? 0;

test('each change of a job is told once, with where to watch it', async () => {
  const last = await run();
  const url = expect.stringMatching(/\/runs\/[0-9a-f-]{36}$/);
  expect(last).toMatchObject({ status: 'succeeded', result: { job: 'nightly-export', url } });
  const events = await stage.log.events(request.operationId, 0, 100);
  expect(events.map(({ type, step, detail }) => [type, step, detail['status']])).toEqual([
    ['accepted', null, undefined],
    ['started', null, undefined],
    ['step_completed', 'startJob', undefined],
    ['progress', 'awaitJob', 'queued'],
    ['progress', 'awaitJob', 'running'],
    ['succeeded', null, undefined],
  ]);
});

describe('a job ends otherwise', () => {
  test.each([
    ['FAILURE', 'failed'],
    ['CANCELED', 'canceled'],
  ] as const)('as %s, and the operation has failed', async (end, word) => {
    stage.dagster.behaviour.course = ['QUEUED', 'STARTED', end];
    const message = expect.stringContaining(`"nightly-export" ${word}`);
    expect(await run()).toMatchObject({ status: 'failed', error: { code: 'job_failed', message, retryable: false } });
    expect(runs()).toMatchObject([{ status: end }]);
    expect(stage.dagster.asked).not.toContain('terminateRun');
  });

  test('by being removed, and the operation has failed', async () => {
    afterwards('AwaitJob', async () => stage.dagster.runs.clear());
    expect(await run()).toMatchObject({ status: 'failed', error: { code: 'job_failed' } });
  });
});

describe('the service is away', () => {
  test('for an hour: the job goes on, and so does the operation', async () => {
    afterwards('StartJob', async () => {
      stage.dagster.behaviour.isDown = true;
    });
    await stage.commands.accept(request);
    await stage.until(() => looks() > 120);
    stage.dagster.behaviour.isDown = false;
    await stage.finish(request.operationId);
    expect(await stage.log.last(request.operationId)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(runs()).toHaveLength(1);
  });

  test('when the job is to be terminated: the undo ends when the job has', async () => {
    stage.dagster.behaviour.course = ['STARTED'];
    afterwards('AwaitJob', async () => {
      stage.dagster.behaviour.isDown = true;
      await cancel();
    });
    await stage.commands.accept(request);
    const tries = () =>
      stage.faults.visited.get(request.operationId)?.filter((state) => state === 'TerminateJob').length ?? 0;
    await stage.until(() => tries() > 100);
    expect(await stage.log.last(request.operationId)).toMatchObject({ status: 'compensating' });
    stage.dagster.behaviour.isDown = false;
    await stage.finish(request.operationId);
    expect(await stage.log.last(request.operationId)).toMatchObject({ status: 'cancelled' });
    expect(runs()).toMatchObject([{ status: 'CANCELED' }]);
  });

  test('from the start: the operation fails, and nothing runs', async () => {
    stage.dagster.behaviour.isDown = true;
    await stage.commands.accept(request);
    await stage.until(() => stage.faults.visited.get(request.operationId)?.includes('TerminateJob') === true);
    stage.dagster.behaviour.isDown = false;
    await stage.finish(request.operationId);
    expect(await stage.log.last(request.operationId)).toMatchObject({
      status: 'failed',
      error: { code: 'unavailable' },
    });
    expect(runs()).toEqual([]);
  });
});

describe('the answer to a start is lost', () => {
  test('once, and there is one run', async () => {
    stage.dagster.spoilNext('launchRun', 'lost');
    expect(await run()).toMatchObject({ status: 'succeeded' });
    expect(runs()).toHaveLength(1);
  });

  test('and the operation is cancelled before the job begins: the job is waited for, and terminated', async () => {
    stage.dagster.behaviour.course = ['STARTED'];
    stage.dagster.spoilNext('launchRun', 'late');
    afterwards('StartJob', cancel);
    expect(await run()).toMatchObject({ status: 'cancelled' });
    expect(runs()).toMatchObject([{ status: 'CANCELED' }]);
  });
});

describe('cancelled', () => {
  test('the job is terminated, though that is refused at first, and over before the operation is', async () => {
    stage.dagster.behaviour.course = ['STARTING', 'STARTED'];
    afterwards('StartJob', cancel);
    expect(await run()).toMatchObject({ status: 'cancelled' });
    expect(runs()).toMatchObject([{ status: 'CANCELED' }]);
  });

  test('before it began, nothing is asked of the service, which may be away', async () => {
    stage.dagster.behaviour.isDown = true;
    const accepted = await stage.log.open({ ...request, requestHash: '', message: 'Accepted' });
    await stage.log.project(accepted.accepted);
    await cancel();
    await stage.finish(request.operationId);
    expect(await stage.log.last(request.operationId)).toMatchObject({ status: 'cancelled', attempt: 2 });
  });
});

test(
  'a job that is not over within a day is terminated, and its execution had events to spare',
  async () => {
    stage.dagster.behaviour.course = ['STARTED'];
    const begun = stage.clock.now();
    const message = 'The job "nightly-export" was not over within a day.';
    expect(await run()).toMatchObject({ status: 'failed', error: { code: 'job_failed', message } });
    expect(runs()).toMatchObject([{ status: 'CANCELED' }]);
    expect((stage.clock.now() - begun) / 3_600_000).toBeGreaterThanOrEqual(23.9);

    const executionArn = `${STATE_MACHINE_ARN_PREFIX}run-external-job:${request.operationId}`.replace(
      ':stateMachine:',
      ':execution:',
    );
    const { events = [] } = await stage.stepFunctions.send(
      new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 1 }),
    );
    expect(events[0]?.id).toBeGreaterThan(8_000);
    expect(events[0]?.id).toBeLessThan(10_000);
  },
  A_DAY_OF_LOOKS_MS,
);
