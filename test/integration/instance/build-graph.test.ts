import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { JobOf } from '../../../domain/fleet/instance-job.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import type { EntityInput } from '../../../domain/graph/entity.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { buildGraph } from '../../../instance/jobs/build-graph.ts';
import type { JobWork } from '../../../instance/jobs/job-runner.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { baseSchema, jobOf, openWorkplace, type Workplace } from './workplace.ts';

let store: DynamoOperationStore;
let operations: OperationLog;
let graphs: DynamoGraphStore;
let close: () => Promise<void>;
let workplace: Workplace;
let run: (job: Parameters<JobWork<'build-graph'>>[0], signal?: AbortSignal) => Promise<void>;

beforeAll(async () => {
  const started = await startControlTable();
  close = started.close;
  store = new DynamoOperationStore(started.table);
  operations = new OperationLog(store);
  graphs = new DynamoGraphStore(started.table);
});

afterAll(() => close());

beforeEach(async () => {
  workplace = await openWorkplace();
  const work = buildGraph({ ...workplace, operations, graphs });
  run = (job, signal = new AbortController().signal) => work(job, signal);
});

/** A job whose operation runs and whose graph has been recorded. */
const begunJob = async (entity: EntityInput | null = null): Promise<JobOf<'build-graph'>> => {
  const accepted = acceptedEvent();
  const { operationId } = accepted;
  await store.putEvent(accepted);
  await operations.append(operationId, { type: 'started', step: 'takeSlot', percent: 10, message: 'Slot taken' });
  const { graphId } = await graphs.create(graphRequestedBy(accepted));
  return { ...jobOf('build-graph', { operationId, graphId }), definition: { schema: baseSchema, entity } };
};

/** What the control plane does once the graph is published. */
const succeed = async ({ operationId, graphId }: JobOf<'build-graph'>): Promise<void> => {
  await graphs.activate(graphId, writerOf(operationId));
  await operations.append(operationId, { type: 'succeeded', message: 'Graph created', result: { graphId } });
};

/** What the undo does to the graph: it ends the claim, then takes back what was published. */
const undo = async ({ operationId, graphId }: JobOf<'build-graph'>): Promise<void> => {
  await graphs.deactivate(graphId, operationId);
  await graphs.withdraw(graphId, operationId);
};

/** Everything that outlives a run. */
const whatIsKept = async ({ operationId, graphId }: JobOf<'build-graph'>) => ({
  published: (await graphs.get(graphId))?.snapshot,
  objects: await workplace.objects.list(snapshotPrefix(graphId)),
  events: (await operations.events(operationId, 0, 100)).map(({ step, type }) => step ?? type),
  scratchFiles: await workplace.scratchFiles(),
});

const BUILT = ['accepted', 'takeSlot', 'createDatabase', 'applySchema'];
const ada: EntityInput = { table: 'Entity', properties: { identifier: 'ada' } };

test('a graph is published with its entity, and its first query needs no download', async () => {
  const job = await begunJob(ada);
  await run(job);
  const { published, ...kept } = await whatIsKept(job);
  expect(kept).toEqual({
    objects: [published?.key],
    events: [...BUILT, 'createEntity', 'publishSnapshot'],
    scratchFiles: [],
  });
  if (!published) throw new Error('Nothing was published.');
  const rows = await workplace.cache.use(job.graphId, published, async (database) => {
    const answer = await database.query({
      cypher: 'MATCH (e:Entity) RETURN e.identifier',
      limit: 2,
      timeoutMs: 20_000,
    });
    return Array.fromAsync(answer.rows());
  });
  expect(rows).toEqual([['ada']]);
  expect(workplace.objects.downloads).toEqual([]);
});

describe('a job that is handed over again', () => {
  test('when its operation succeeded is refused and changes nothing', async () => {
    const job = await begunJob();
    await run(job);
    await succeed(job);
    const before = await whatIsKept(job);
    await expect(run(job)).rejects.toMatchObject({ name: 'Refusal', code: 'operation_over' });
    expect(await whatIsKept(job)).toEqual(before);
    expect(before.objects).toEqual([before.published?.key]);
  });

  test('and is overtaken by the end of its operation removes its own file only', async () => {
    const job = await begunJob();
    await run(job);
    const { published } = await whatIsKept(job);
    // The second run has seen the operation running; the first one's workflow goes on before it publishes.
    workplace.objects.afterUpload = () => succeed(job);
    await expect(run(job)).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
    expect(await whatIsKept(job)).toEqual({
      published,
      objects: [published?.key],
      events: [...BUILT, 'publishSnapshot', 'succeeded'],
      scratchFiles: [],
    });
  });

  test.each([
    { entity: null, steps: [] },
    { entity: ada, steps: ['createEntity'] },
  ])(
    'after it published keeps the first file, and its steps are in the log once ($steps)',
    async ({ entity, steps }) => {
      const job = await begunJob(entity);
      await run(job);
      const { published } = await whatIsKept(job);
      await run(job);
      expect(await whatIsKept(job)).toEqual({
        published,
        objects: [published?.key],
        events: [...BUILT, ...steps, 'publishSnapshot'],
        scratchFiles: [],
      });
      expect(await workplace.cachedFiles()).toHaveLength(1);
    },
  );

  test('at once publishes one of the two files and removes the other', async () => {
    const job = await begunJob();
    await Promise.all([run(job), run(job)]);
    const { published, ...kept } = await whatIsKept(job);
    expect(kept).toEqual({ objects: [published?.key], events: [...BUILT, 'publishSnapshot'], scratchFiles: [] });
  });
});

describe('after the claim of the creating operation was ended', () => {
  const nothing = { published: null, objects: [], scratchFiles: [] };

  test('a late run can not publish and leaves no object', async () => {
    const job = await begunJob();
    await undo(job);
    await expect(run(job)).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
    expect(await whatIsKept(job)).toMatchObject(nothing);
    expect(await workplace.cachedFiles()).toEqual([]);
  });

  test('a late run of one that had published can not publish again', async () => {
    const job = await begunJob();
    await run(job);
    const { published } = await whatIsKept(job);
    await undo(job);
    await workplace.objects.remove(published?.key ?? '');
    await expect(run(job)).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
    expect(await whatIsKept(job)).toMatchObject(nothing);
  });

  test('a run that was about to publish leaves no object', async () => {
    const job = await begunJob();
    workplace.objects.afterUpload = async () => {
      const error = { code: 'internal', message: 'It took too long', retryable: true } as const;
      await operations.append(job.operationId, { type: 'compensating', message: 'Undoing', error });
      await undo(job);
    };
    await expect(run(job)).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
    expect(await whatIsKept(job)).toEqual({ ...nothing, events: [...BUILT, 'compensating'] });
  });
});

describe('a run that is stopped', () => {
  const stop = new Error('Stopped');
  const nothing = { published: null, objects: [], scratchFiles: [] };

  test('before it began builds nothing', async () => {
    const job = await begunJob(ada);
    await expect(run(job, AbortSignal.abort(stop))).rejects.toThrow(stop);
    expect(await whatIsKept(job)).toMatchObject(nothing);
  });

  test('while the engine works lets go of the file before it ends', async () => {
    const job = await begunJob(ada);
    const controller = new AbortController();
    const running = run(job, controller.signal);
    for (let built = false; !built; ) {
      built = (await operations.events(job.operationId, 0, 10)).some(({ step }) => step === 'createDatabase');
    }
    controller.abort(stop);
    await expect(running).rejects.toThrow(stop);
    expect(await whatIsKept(job)).toMatchObject(nothing);
  });

  test('after it uploaded does not publish, and takes its file back', async () => {
    const job = await begunJob();
    const controller = new AbortController();
    workplace.objects.afterUpload = async () => controller.abort(stop);
    await expect(run(job, controller.signal)).rejects.toThrow(stop);
    expect(await whatIsKept(job)).toMatchObject(nothing);
    expect(await workplace.cachedFiles()).toEqual([]);
  });
});

describe('an entity that the engine refuses', () => {
  test.each<{ what: string; entity: EntityInput }>([
    {
      what: 'a value of another type',
      entity: { table: 'Entity', properties: { identifier: 'a', createdAt: 'soon' } },
    },
    { what: 'no primary key', entity: { table: 'Entity', properties: { name: 'Ada' } } },
    { what: 'no such table', entity: { table: 'Nothing', properties: { identifier: 'a' } } },
  ])('($what) is nobody’s fault here, and trying again is of no use', async ({ entity }) => {
    const job = await begunJob(entity);
    await expect(run(job)).rejects.toMatchObject({ name: 'Refusal', code: 'query_failed', retryable: false });
    expect(await whatIsKept(job)).toEqual({ published: null, objects: [], events: BUILT, scratchFiles: [] });
  });
});
