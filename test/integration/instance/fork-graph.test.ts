import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { FORK_STEP, forkedIn } from '../../../domain/graph/fork.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import { type GraphRequest, graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { graphPrefix, type Snapshot } from '../../../domain/snapshot/snapshot.ts';
import { forkGraph } from '../../../instance/jobs/fork-graph.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { jobOf, openWorkplace, type Workplace } from './workplace.ts';

let table: ControlTableClient;
let operations: OperationLog;
let graphs: DynamoGraphStore;
let close: () => Promise<void>;
let workplace: Workplace;
let parent: Graph;
let operationId: string;
let graphId: string;

beforeAll(async () => {
  ({ close, table } = await startControlTable());
  operations = new OperationLog(new DynamoOperationStore(table));
  graphs = new DynamoGraphStore(table);
});

afterAll(() => close());

/** A fork of a parent with one row, whose work is to be done. */
beforeEach(async () => {
  workplace = await openWorkplace();
  const requested = graphRequestedBy(acceptedEvent());
  const { snapshot } = await workplace.uploadedGraph(requested.graphId);
  parent = await graphs.create({ ...requested, status: 'active', writer: null, snapshot });
  const request: GraphRequest = {
    ...(acceptedEvent().request as GraphRequest),
    name: 'fork',
    parentId: parent.graphId,
    fork: { tables: [], excludePatterns: [] },
  };
  const accepted = acceptedEvent({ kind: 'subgraph.create', request });
  await new DynamoOperationStore(table).putEvent(accepted);
  ({ operationId } = accepted);
  ({ graphId } = await graphs.create(graphRequestedBy(accepted)));
  await operations.append(operationId, { type: 'started', message: 'Begun' });
});

/** A store whose client has not heard how its publication ended. */
class LosingAnswers extends DynamoGraphStore {
  override async publish(...published: [string, string, Snapshot]): Promise<Snapshot | undefined> {
    await super.publish(...published);
    throw new Error('The answer was lost');
  }
}

const forkOf = (own: Partial<Parameters<typeof forkGraph>[0]> = {}, holding = 1) =>
  forkGraph({ ...workplace, operations, graphs, ...own })(
    jobOf('fork-graph', { operationId, graphId }, holding),
    new AbortController().signal,
  );
/** As another operation does. */
const publishNext = async (published: string, before?: Snapshot): Promise<void> => {
  const { file, snapshot: own } = await workplace.newGraph(published);
  const snapshot = { ...before, ...own, key: own.key.replace('00000001', '00000002'), version: 2 };
  await workplace.objects.upload(snapshot.key, file);
  const writer = writerOf('op_another');
  await new DynamoGraphWriterStore(table).claim(published, null, writer);
  expect(await graphs.publish(published, writer, snapshot)).toEqual(snapshot);
};
const kept = () => workplace.objects.list(graphPrefix(graphId));
/** The keys that the graph's record names. */
const named = async () => {
  const snapshot = (await graphs.get(graphId))?.snapshot;
  const parts = (snapshot?.source?.tables ?? []).flatMap(({ part }) => (part ? [part.key] : []));
  return [...parts, ...(snapshot ? [snapshot.key] : [])].sort();
};

test('what is published stays, and is all that stays, when the answer was lost; who comes again tells of it', async () => {
  await expect(forkOf({ graphs: new LosingAnswers(table) })).rejects.toThrow('The answer was lost');
  expect(await named()).toHaveLength(2);
  expect((await kept()).sort()).toEqual(await named());

  // The parent has gone on: what is told is what was published, not what this run has read.
  await publishNext(parent.graphId);
  await forkOf({}, 2);
  const last = await operations.last(operationId);
  expect(last.completedSteps).toContain(FORK_STEP);
  expect(forkedIn(last)).toMatchObject({ parentVersion: 1 });
  expect((await kept()).sort()).toEqual(await named());
});

test('what is published stays when the instance can not keep a copy', async () => {
  workplace.cache.adopt = async () => {
    throw new Error('The disk is full');
  };
  await expect(forkOf()).rejects.toThrow('The disk is full');
  expect(await named()).toHaveLength(2);
  expect((await kept()).sort()).toEqual(await named());
});

test('of two runs at once one is published, and the other leaves nothing', async () => {
  await Promise.all([forkOf(), forkOf()]);
  expect((await kept()).sort()).toEqual(await named());
  expect(await workplace.scratchFiles()).toEqual([]);
});

test('a run whose claim was lost leaves nothing', async () => {
  workplace.objects.afterUpload = async () => void (await graphs.deactivate(graphId, operationId));
  await expect(forkOf()).rejects.toMatchObject({ name: 'Terminal', code: 'conflict' });
  expect(await kept()).toEqual([]);
});

test.each([1, 2])('what a run has published and finds in use by now, at version %i, stays', async (version) => {
  class LateAnswer extends DynamoGraphStore {
    override async publish(...published: [string, string, Snapshot]): Promise<Snapshot | undefined> {
      const [, , first] = published;
      await super.publish(...published);
      await super.activate(graphId, writerOf(operationId));
      if (version > 1) await publishNext(graphId, first);
      // As the client repeats the write.
      return super.publish(...published);
    }
  }
  await expect(forkOf({ graphs: new LateAnswer(table) })).rejects.toMatchObject({ code: 'conflict' });
  expect(await named()).toHaveLength(2);
  expect(await kept()).toEqual(expect.arrayContaining(await named()));
});
