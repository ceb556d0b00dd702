import { beforeEach, expect, test } from 'vitest';
import { Terminal } from '../../../domain/failure.ts';
import type { InstanceJob } from '../../../domain/fleet/instance-job.ts';
import { Holdings } from '../../../instance/jobs/holdings.ts';
import { JobJournal } from '../../../instance/jobs/job-journal.ts';
import { JobRunner, type JobWork } from '../../../instance/jobs/job-runner.ts';
import { TaskReporter } from '../../../instance/jobs/task-reporter.ts';
import { TaskProtection } from '../../../instance/task-protection.ts';
import { temporaryDirectory } from '../local/temporary-directory.ts';
import { type StepFunctionsEndpoint, startStepFunctionsEndpoint } from './step-functions-endpoint.ts';
import { baseSchema, everyKindOfJob, jobOf, silent, uncounted } from './workplace.ts';

let stepFunctions: StepFunctionsEndpoint;
let journal: JobJournal;

beforeEach(async () => {
  stepFunctions = await startStepFunctionsEndpoint();
  journal = new JobJournal(await temporaryDirectory());
});

const runnerOf = (work: JobWork, jobs: JobJournal = journal): JobRunner =>
  new JobRunner(everyKindOfJob(work), uncounted, new TaskReporter(stepFunctions.client), jobs, silent);

const job = (taskToken: string, operationId = 'op_1'): InstanceJob => ({
  ...jobOf('build-graph', { operationId, graphId: 'kg1' }),
  taskToken,
  definition: { schema: baseSchema, entity: null },
});

/** Work that goes on until it is told to end, and the jobs that it was given. */
const heldWork = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const given: InstanceJob[] = [];
  const work: JobWork = async (job) => {
    given.push(job);
    await promise;
  };
  return { work, given, end: resolve };
};

const success = (taskToken: string) => ({ action: 'SendTaskSuccess', taskToken, output: '{}' });

const failure = (taskToken: string, error: string, report: object) => ({
  action: 'SendTaskFailure',
  taskToken,
  error,
  cause: JSON.stringify(report),
});

const interruption = (taskToken: string) =>
  failure(taskToken, 'Retryable', {
    code: 'unavailable',
    message: 'The instance restarted during the job.',
    retryable: true,
  });

test('a job is in the journal while it runs and no longer', async () => {
  const { work, end } = heldWork();
  const runner = runnerOf(work);
  await runner.start(job('token'));
  expect(await journal.unfinished()).toEqual([{ key: 'op_1.build-graph', taskToken: 'token' }]);
  end();
  await runner.stop();
  expect(await journal.unfinished()).toEqual([]);
  expect(stepFunctions.reports).toEqual([success('token')]);
});

test('a job that failed is reported with its word, its code and its message', async () => {
  const runner = runnerOf(async () => {
    throw new Terminal('conflict', 'It is not yours.');
  });
  await runner.start(job('token'));
  await runner.stop();
  expect(stepFunctions.reports).toEqual([
    failure('token', 'Terminal', { code: 'conflict', message: 'It is not yours.', retryable: false }),
  ]);
});

test('a job that is handed over twice at once runs once, under the newest lease, and reports to the newest token', async () => {
  const { work, given, end } = heldWork();
  const runner = runnerOf(work);
  await Promise.all([runner.start(job('one')), runner.start(job('two'))]);
  await runner.start({ ...job('newest'), leaseId: 'op_1.2' });
  expect(await journal.unfinished()).toEqual([{ key: 'op_1.build-graph', taskToken: 'newest' }]);
  end();
  await runner.stop();
  expect(given).toMatchObject([{ leaseId: 'op_1.2' }]);
  expect(stepFunctions.reports).toEqual([success('newest')]);
});

test('a token that arrives while another is being reported is reported too', async () => {
  const { work, given, end } = heldWork();
  const runner = runnerOf(work);
  const taken = Promise.withResolvers<void>();
  stepFunctions.beforeAnswer = async ({ taskToken }) => {
    if (taskToken === 'first') await runner.start(job('second')).then(taken.resolve, taken.reject);
  };
  await runner.start(job('first'));
  end();
  await taken.promise;
  await runner.stop();
  expect(given).toHaveLength(1);
  expect(stepFunctions.reports).toEqual([success('first'), success('second')]);
  expect(await journal.unfinished()).toEqual([]);
});
test('of two tokens the one that was handed over last is reported to, however slowly the first is written', async () => {
  const written = Promise.withResolvers<void>();
  class SlowJournal extends JobJournal {
    override async begin(key: string, taskToken: string): Promise<void> {
      await super.begin(key, taskToken);
      if (taskToken === 'older') await written.promise;
    }
  }
  const { work, end } = heldWork();
  const runner = runnerOf(work, new SlowJournal(await temporaryDirectory()));
  const starts = [runner.start(job('older')), runner.start(job('newer'))];
  written.resolve();
  await Promise.all(starts);
  end();
  await runner.stop();
  expect(stepFunctions.reports).toContainEqual(success('newer'));
});

test('what an earlier process left is reported as interrupted, a job of this process is not', async () => {
  await journal.begin('op_left.build-graph', 'left');
  const unfinished = await journal.unfinished();
  const { work, end } = heldWork();
  const runner = runnerOf(work);
  await runner.start(job('own', 'op_own'));
  await runner.reportInterrupted(unfinished);
  expect(stepFunctions.reports).toEqual([interruption('left')]);
  expect(await journal.unfinished()).toEqual([{ key: 'op_own.build-graph', taskToken: 'own' }]);
  end();
  await runner.stop();
  expect(stepFunctions.reports).toEqual([interruption('left'), success('own')]);
});

test('a job that was left and handed over again meanwhile stays in the journal under its new token', async () => {
  await journal.begin('op_1.build-graph', 'left');
  const unfinished = await journal.unfinished();
  const { work, end } = heldWork();
  const runner = runnerOf(work);
  await runner.start(job('new'));
  await runner.reportInterrupted(unfinished);
  expect(stepFunctions.reports).toEqual([interruption('left')]);
  expect(await journal.unfinished()).toEqual([{ key: 'op_1.build-graph', taskToken: 'new' }]);
  end();
  await runner.stop();
});

test('a runner that is stopping refuses jobs and waits for those that run', async () => {
  const { work, given, end } = heldWork();
  const runner = runnerOf(work);
  await runner.start(job('running'));
  const stopped = runner.stop();
  const refused = { name: 'Retryable', code: 'unavailable' };
  await expect(runner.start(job('late', 'op_late'))).rejects.toMatchObject(refused);
  await expect(runner.start(job('late'))).rejects.toMatchObject(refused);
  end();
  await stopped;
  expect(given).toHaveLength(1);
  expect(stepFunctions.reports).toEqual([success('running')]);
});

test('a job that is being taken when the runner stops is refused, not run without anybody who waits for it', async () => {
  const { work, given } = heldWork();
  const runner = runnerOf(work);
  const taken = runner.start(job('token'));
  const stopped = runner.stop();
  await expect(taken).rejects.toMatchObject({ name: 'Retryable', code: 'unavailable' });
  await stopped;
  expect(given).toEqual([]);
});

/** Work that ends when it is told to stop, and not before; `begun` resolves when it is under way. */
const interruptibleWork = () => {
  const begun = Promise.withResolvers<void>();
  const work: JobWork = async (_job, signal) => {
    begun.resolve();
    await new Promise<void>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    );
  };
  return { work, begun: begun.promise };
};

test('a job that can not be written down is refused, and what it came with is let go', async () => {
  class FullJournal extends JobJournal {
    override async begin(): Promise<void> {
      throw new Error('ENOSPC: no space left on device');
    }
  }
  const released: string[] = [];
  const holdings = new Holdings({
    instanceId: 'inst-1',
    store: { confirm: async () => {} },
    leases: { release: async (_instanceId, leaseId) => void released.push(leaseId) },
    protection: new TaskProtection(undefined, silent),
    logger: silent,
  });
  const { work, given } = heldWork();
  const full = new FullJournal(await temporaryDirectory());
  const runner = new JobRunner(everyKindOfJob(work), holdings, new TaskReporter(stepFunctions.client), full, silent);
  await expect(runner.start(job('token'))).rejects.toThrow('ENOSPC');
  expect({ released, given }).toEqual({ released: ['op_1.1'], given: [] });
});

test('a job that is stopped does not run any more when that is answered, and is reported as stopped', async () => {
  const { work, begun } = interruptibleWork();
  const runner = runnerOf(work);
  await runner.start(job('token'));
  await begun;
  await runner.abort('op_1.build-graph');
  expect(await journal.unfinished()).toEqual([]);
  expect(stepFunctions.reports).toEqual([
    failure('token', 'Refusal', { code: 'operation_over', message: 'The job was stopped.', retryable: false }),
  ]);
});

test('stopping is answered only when the job has come out of what can not be interrupted', async () => {
  const { work, end } = heldWork();
  const runner = runnerOf(work);
  await runner.start(job('token'));
  let answered = false;
  const stopped = runner.abort('op_1.build-graph').then(() => {
    answered = true;
  });
  // Another job's whole course goes by meanwhile.
  const other = runnerOf(async () => {});
  await other.start(job('other', 'op_other'));
  await other.stop();
  expect(answered).toBe(false);
  end();
  await stopped;
  expect(await journal.unfinished()).toEqual([]);
});

test('stopping a job that is just being taken stops it, and stopping one that is not there is done', async () => {
  const { work } = interruptibleWork();
  const runner = runnerOf(work);
  const taken = runner.start(job('token'));
  await runner.abort('op_1.build-graph');
  await taken;
  await runner.abort('op_1.build-graph');
  await runner.abort('op_unknown.build-graph');
  expect(await journal.unfinished()).toEqual([]);
});
