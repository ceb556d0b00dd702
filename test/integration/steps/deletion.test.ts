import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DynamoAccountStore } from '../../../domain/billing/dynamo-account-store.ts';
import { DynamoGraphQuota } from '../../../domain/billing/dynamo-graph-quota.ts';
import type { DeletionRequest } from '../../../domain/graph/deletion.ts';
import { keyOf } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoSubgraphStore } from '../../../domain/graph/dynamo-subgraph-store.ts';
import { type Graph, writerOf } from '../../../domain/graph/graph.ts';
import { ERASED_AT_ONCE } from '../../../domain/graph/graph-deletion.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { fileIdFor } from '../../../domain/identifier.ts';
import type { OperationEvent } from '../../../domain/operation/operation-event.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { newSnapshot } from '../../../domain/snapshot/snapshot.ts';
import { DynamoTableFileStore } from '../../../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { emptyTable, partsPrefix } from '../../../domain/table/table.ts';
import { type TableFile, uploadKey } from '../../../domain/table/table-file.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { publicationOn } from '../../fixtures/publications.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const error = { code: 'internal', message: 'It broke', retryable: true } as const;
const NAMES = [
  'begin-delete',
  'abandon-delete',
  'back-up-graph',
  'remove-backup',
  'delete-subgraphs',
  'drop-database',
  'free-slot',
  'erase-graph',
] as const;

type StepInput = { operationId: string; graphId: string };

let harness: StepsOnTable<(typeof NAMES)[number]>;
let steps: typeof harness.steps;
let directory: string;
let objects: DirectoryObjectStore;
/** What the instance was asked, and what it answers. */
let dropped: string[];
let answer: number;
/** The services that there are, and an instance that nothing listens for any more. */
let services: string[];
let closeInstance: () => void;
let closeEcs: () => void;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-deletion-'));
  objects = new DirectoryObjectStore(directory);
  const ecs = createServer((_request, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ services: services.map((serviceName) => ({ serviceName, status: 'ACTIVE' })) }));
  }).listen(0, '127.0.0.1');
  await once(ecs, 'listening');
  closeEcs = () => void ecs.close();
  harness = await stepsOnTable(NAMES, {
    OBJECT_STORE_URL: pathToFileURL(directory).href,
    AWS_ENDPOINT_URL_ECS: `http://127.0.0.1:${(ecs.address() as AddressInfo).port}`,
    ECS_CLUSTER: 'graphfleet',
    TASK_DEFINITION_PREFIX: 'graphfleet-instance',
    SUBNET_IDS: 'subnet-1',
    SECURITY_GROUP_IDS: 'sg-1',
  });
  steps = harness.steps;
  const instance = createServer((request, response) => {
    dropped.push(`${request.method} ${request.url}`);
    response.writeHead(answer).end();
  }).listen(0, '127.0.0.1');
  await once(instance, 'listening');
  closeInstance = () => void instance.close();
  const endpoint = `http://127.0.0.1:${(instance.address() as AddressInfo).port}`;
  await harness.instances.register(
    { instanceId: 'inst-1', tier: 'standard', endpoint, image: 'i', taskArn: 't', capacity: 100, generation: 1 },
    AT,
  );
});

afterAll(async () => {
  closeInstance();
  closeEcs();
  await harness.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
  dropped = [];
  answer = 204;
  services = ['inst-1', 'inst-gone'];
});

/** An active graph with a snapshot; a top-level one has a slot. */
const activeGraph = async (own: Partial<Graph> = {}): Promise<Graph> => {
  const { graphs, instances } = harness;
  const accepted = acceptedEvent();
  const graph = await graphs.create({ ...graphRequestedBy(accepted), placement: 'inst-1', ...own });
  const { graphId, createdBy } = graph;
  if (graph.placement !== null) await instances.takeSlot('inst-1', graphId, createdBy);
  await harness.store.putEvent({ ...accepted, type: 'succeeded', status: 'succeeded' });
  const file = join(directory, graphId);
  await writeFile(file, graphId);
  const checksum = createHash('sha256').update(graphId).digest('hex');
  const snapshot = newSnapshot(graphId, 1, { checksum, bytes: graphId.length });
  await objects.upload(snapshot.key, file);
  await graphs.publish(graphId, writerOf(createdBy), snapshot);
  await graphs.activate(graphId, writerOf(createdBy));
  return (await graphs.get(graphId)) as Graph;
};

const subgraphOf = async (parent: Graph, name: string): Promise<Graph> => {
  const subgraph = await activeGraph({ parentId: parent.graphId, name, placement: null });
  const place = { parentId: parent.graphId, name, graphId: subgraph.graphId };
  await new DynamoSubgraphStore(harness.table).reserve(parent, place);
  return subgraph;
};

/** A deletion that was accepted. */
const deletionOf = async (graph: Graph, own: Partial<DeletionRequest> = {}): Promise<StepInput> => {
  const request: DeletionRequest = { backup: true, place: null, emptyVersion: null, ...own };
  const { graphId } = graph;
  const event = acceptedEvent({ kind: 'graph.delete', graphId, request });
  await harness.store.putEvent(event);
  return { operationId: event.operationId, graphId };
};

const undo = async (input: StepInput): Promise<void> => {
  await harness.log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
  await steps['remove-backup'](input);
  await steps['abandon-delete'](input);
  await harness.log.append(input.operationId, { type: 'failed', message: 'Failed', error });
};

const finish = async (input: StepInput): Promise<void> => {
  for (const name of ['delete-subgraphs', 'drop-database', 'free-slot', 'erase-graph'] as const)
    await steps[name](input);
};

const statusOf = async ({ graphId }: Graph) => (await harness.graphs.get(graphId))?.status;
const endOf = async ({ operationId }: StepInput): Promise<OperationEvent> => harness.log.last(operationId);
const backupsOf = ({ graphId }: Graph) => objects.list(`backups/${graphId}/`);
const slotOf = async ({ graphId }: Graph) => (await harness.instances.readSlots('inst-1'))[graphId];
const change = (graphId: string, attribute: string, value: unknown) =>
  harness.table.documents.send(
    new UpdateCommand({
      TableName: harness.table.tableName,
      Key: keyOf(graphId),
      UpdateExpression: 'SET #a = :v',
      ExpressionAttributeNames: { '#a': attribute },
      ExpressionAttributeValues: { ':v': value },
    }),
  );

test('every step run twice deletes once, and leaves nothing of the graph or its subgraphs but the backups', async () => {
  const graph = await activeGraph();
  const subgraph = await subgraphOf(graph, 'one');
  const input = await deletionOf(graph);
  for (const name of NAMES.filter((step) => step !== 'abandon-delete' && step !== 'remove-backup')) {
    await steps[name](input);
    // The last one ends the operation, which refuses what comes after it.
    await steps[name](input).catch((late: unknown) => expect(late).toMatchObject({ name: 'Refusal' }));
  }
  for (const { graphId } of [graph, subgraph]) {
    expect(await harness.graphs.get(graphId)).toBeUndefined();
    expect(await objects.list(`graphs/${graphId}/`)).toEqual([]);
    expect(dropped).toContain(`DELETE /databases/${graphId}`);
  }
  expect(await slotOf(graph)).toBeUndefined();
  expect(await backupsOf(graph)).toHaveLength(2);
  const types = (await harness.log.events(input.operationId, 0, 20)).map(({ type }) => type);
  expect(types).toEqual(['accepted', 'started', 'progress', 'step_completed', 'succeeded']);
});

describe('BeginDelete', () => {
  test('that is undone leaves the graph and its subgraphs as they were', async () => {
    const graph = await activeGraph();
    const subgraph = await subgraphOf(graph, 'one');
    const before = [await harness.graphs.get(graph.graphId), await harness.graphs.get(subgraph.graphId)];
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    expect([await statusOf(graph), await statusOf(subgraph)]).toEqual(['deleting', 'deleting']);
    await undo(input);
    expect([await harness.graphs.get(graph.graphId), await harness.graphs.get(subgraph.graphId)]).toEqual(before);
  });

  test('that is undone leaves a suspended graph suspended', async () => {
    const graph = await activeGraph();
    await change(graph.graphId, 'status', 'suspended');
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await undo(input);
    expect(await statusOf(graph)).toBe('suspended');
  });

  test('that comes after its undo changes nothing', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await undo(input);
    await expect(steps['begin-delete'](input)).rejects.toThrow(/operation_over/);
    expect(await harness.graphs.get(graph.graphId)).toEqual(graph);
  });

  test('that meets its undo on the way takes back what it claimed', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    // It has looked at the log before the undo began, and claims the graph when the undo has gone by.
    harness.holdUp('UpdateItem', 'GRAPH#', () => undo(input));
    await expect(steps['begin-delete'](input)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await harness.graphs.get(graph.graphId)).toEqual(graph);
  });

  test('of a graph that another deletion holds is refused while that runs, and takes it over when it has stopped', async () => {
    const graph = await activeGraph();
    const first = await deletionOf(graph);
    await steps['begin-delete'](first);
    await steps['back-up-graph'](first);
    const second = await deletionOf(graph);
    await expect(steps['begin-delete'](second)).rejects.toThrow(/conflict/);
    expect(await endOf(second)).toMatchObject({ status: 'accepted' });

    await harness.log.append(first.operationId, { type: 'failed', message: 'Stopped', error });
    await steps['begin-delete'](second);
    // Undone, it is what it was: half deleted, to be gone on with by the next.
    await undo(second);
    expect(await statusOf(graph)).toBe('deleting');
    const third = await deletionOf(graph);
    await steps['begin-delete'](third);
    await steps['back-up-graph'](third);
    await finish(third);
    expect(await endOf(third)).toMatchObject({ status: 'succeeded' });
  });

  test('of a graph that moves to another tier is refused', async () => {
    const graph = await activeGraph();
    const mover = acceptedEvent({ kind: 'graph.change_tier', graphId: graph.graphId });
    await harness.store.putEvent(mover);
    await change(graph.graphId, 'move', { operationId: mover.operationId });
    const input = await deletionOf(graph);
    await expect(steps['begin-delete'](input)).rejects.toThrow(/conflict/);
    expect(await statusOf(graph)).toBe('active');
  });

  test('of a graph whose move stopped behind its switch gives up the place that the move left', async () => {
    const graph = await activeGraph();
    const mover = acceptedEvent({ kind: 'graph.change_tier', status: 'failed' });
    await harness.store.putEvent(mover);
    const { operationId } = mover;
    const spare = { tier: 'large', placement: 'inst-large-1', slotHolder: graph.createdBy };
    await harness.instances.register(
      {
        instanceId: spare.placement,
        tier: 'large',
        endpoint: 'e',
        image: 'i',
        taskArn: 't',
        capacity: 1,
        generation: 1,
      },
      AT,
    );
    await harness.instances.takeSlot(spare.placement, graph.graphId, spare.slotHolder);
    await change(graph.graphId, 'move', { operationId, state: 'switched', spare });
    await steps['begin-delete'](await deletionOf(graph));
    expect(await harness.graphs.get(graph.graphId)).toMatchObject({ status: 'deleting', move: null });
    expect(await harness.instances.readSlots(spare.placement)).toEqual({});
  });

  test('is refused while a subgraph is about to come, and no subgraph comes after it', async () => {
    const graph = await activeGraph();
    const coming = acceptedEvent({ kind: 'subgraph.create' });
    await harness.store.putEvent(coming);
    const places = new DynamoSubgraphStore(harness.table);
    const place = { parentId: graph.graphId, name: 'soon', graphId: coming.graphId ?? '' };
    expect(await places.reserve(graph, place)).toBe(true);
    const input = await deletionOf(graph);
    await expect(steps['begin-delete'](input)).rejects.toThrow(/conflict/);
    await places.release(place);
    await steps['begin-delete'](input);
    expect(await places.reserve(graph, place)).toBe(false);
    await undo(input);
  });

  test('of a subgraph that was seen to be empty is refused when it was written to since', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph, { emptyVersion: 1 });
    await change(graph.graphId, 'snapshot', { ...graph.snapshot, version: 2 });
    await expect(steps['begin-delete'](input)).rejects.toThrow(/written to since/);
    expect(await statusOf(graph)).toBe('active');
  });
});

describe('BackUpGraph', () => {
  test('of a snapshot that is not what was published does not pass the point of no return', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    const file = join(directory, 'damaged');
    await writeFile(file, 'damaged');
    await objects.upload(graph.snapshot?.key ?? '', file);
    await expect(steps['back-up-graph'](input)).rejects.toMatchObject({ name: 'Terminal' });
    expect(await endOf(input)).toMatchObject({ cancellable: true });
    await undo(input);
    expect(await statusOf(graph)).toBe('active');
    expect(await backupsOf(graph)).toEqual([]);
  });

  test('that comes after its undo leaves no copy', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await undo(input);
    await expect(steps['back-up-graph'](input)).rejects.toThrow(/operation_over/);
    expect(await backupsOf(graph)).toEqual([]);
  });

  test('that meets its undo on the way removes its copy', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    harness.holdUp('GetItem', 'GRAPH#', async () => {
      await harness.log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
      await steps['remove-backup'](input);
    });
    await expect(steps['back-up-graph'](input)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await backupsOf(graph)).toEqual([]);
    await steps['abandon-delete'](input);
  });

  test('that comes late does not touch the backup of a deletion that has gone on', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await steps['back-up-graph'](input);
    await finish(input);
    await expect(steps['back-up-graph'](input)).rejects.toThrow(/operation_over/);
    expect(await backupsOf(graph)).toHaveLength(1);
  });
});

describe('an instance that does not answer', () => {
  const silent = async () => {
    await harness.instances.register(
      {
        instanceId: 'inst-gone',
        tier: 'standard',
        endpoint: 'http://127.0.0.1:1',
        image: 'i',
        taskArn: 't',
        capacity: 100,
        generation: 1,
      },
      AT,
    );
    const graph = await activeGraph({ placement: 'inst-gone' });
    await subgraphOf(graph, 'one');
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await steps['back-up-graph'](input);
    return { graph, input };
  };

  test('keeps its graphs from being deleted as long as its service exists, because it may come back', async () => {
    const { graph, input } = await silent();
    await expect(steps['delete-subgraphs'](input)).rejects.toMatchObject({ name: 'Retryable' });
    await expect(steps['drop-database'](input)).rejects.toMatchObject({ name: 'Retryable' });
    expect(await statusOf(graph)).toBe('deleting');
  });

  test('and whose service is gone took the databases with it: the deletion goes on', async () => {
    const { graph, input } = await silent();
    services = ['inst-1'];
    await finish(input);
    expect(await harness.graphs.get(graph.graphId)).toBeUndefined();
  });
});

describe('a deletion that takes over another and is cancelled', () => {
  const cancelled = async (input: StepInput) => {
    await harness.log.append(input.operationId, { type: 'compensating', message: 'Undoing', error });
    await steps['abandon-delete'](input);
    await harness.log.append(input.operationId, { type: 'cancelled', message: 'Cancelled', error: null });
  };

  test('leaves the graph as it was before the first, whose undo had failed', async () => {
    const graph = await activeGraph();
    const subgraph = await subgraphOf(graph, 'one');
    const first = await deletionOf(graph);
    await steps['begin-delete'](first);
    await harness.log.append(first.operationId, { type: 'compensating', message: 'Undoing', error });
    await harness.log.append(first.operationId, { type: 'compensation_failed', message: 'It broke', error });
    const second = await deletionOf(graph);
    await steps['begin-delete'](second);
    await cancelled(second);
    for (const { graphId } of [graph, subgraph]) {
      expect(await harness.graphs.get(graphId)).toMatchObject({ status: 'active', statusBefore: null, writer: null });
    }
  });

  test('leaves it to the next when the first was past its point of no return: there may be nothing to go back to', async () => {
    const graph = await activeGraph();
    const first = await deletionOf(graph);
    await steps['begin-delete'](first);
    await steps['back-up-graph'](first);
    await harness.log.append(first.operationId, { type: 'failed', message: 'Stopped', error });
    const second = await deletionOf(graph);
    await steps['begin-delete'](second);
    await cancelled(second);
    expect(await statusOf(graph)).toBe('deleting');
    const third = await deletionOf(graph);
    await steps['begin-delete'](third);
    await steps['back-up-graph'](third);
    await finish(third);
    expect(await harness.graphs.get(graph.graphId)).toBeUndefined();
  });
});

describe('past the point of no return', () => {
  test('an instance that does not drop the database leaves the slot taken and the record there', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await steps['back-up-graph'](input);
    answer = 500;
    await expect(steps['drop-database'](input)).rejects.toMatchObject({ name: 'Retryable' });
    await expect(steps['erase-graph'](input)).rejects.toThrow(/still held/);
    expect(await slotOf(graph)).toBeDefined();
    expect(await statusOf(graph)).toBe('deleting');
    answer = 204;
    await finish(input);
    expect(await slotOf(graph)).toBeUndefined();
  });

  test('a graph counts no more when its record goes: a deletion that stops before that is found by the next', async () => {
    const graph = await activeGraph();
    const quota = new DynamoGraphQuota(harness.table);
    const before = await quota.count(graph.tenantId);
    await quota.admit(graph.tenantId, graph.graphId, 1_000);
    const input = await deletionOf(graph);
    for (const step of ['begin-delete', 'back-up-graph', 'drop-database', 'free-slot'] as const)
      await steps[step](input);
    let counted: number | undefined;
    harness.holdUp('DeleteItem', 'GRAPH#', async () => {
      counted = await quota.count(graph.tenantId);
    });
    await steps['erase-graph'](input);
    expect(counted).toBe(before);
  });

  test('a subgraph whose database is not dropped stays, and so does its place', async () => {
    const graph = await activeGraph();
    const subgraph = await subgraphOf(graph, 'one');
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await steps['back-up-graph'](input);
    answer = 500;
    await expect(steps['delete-subgraphs'](input)).rejects.toMatchObject({ name: 'Retryable' });
    expect((await harness.graphs.get(graph.graphId))?.subgraphs).toEqual({ one: subgraph.graphId });
    expect(await statusOf(subgraph)).toBe('deleting');
  });

  test('an execution that begins anew goes through to the end, even when the record is gone', async () => {
    const graph = await activeGraph();
    const input = await deletionOf(graph);
    await steps['begin-delete'](input);
    await steps['back-up-graph'](input);
    await steps['free-slot'](input);
    const { graphDeletion } = await import('../../../functions/wiring/graph.ts');
    const deletion = graphDeletion({ CONTROL_TABLE_NAME: harness.table.tableName });
    await deletion.erase(input.graphId, input.operationId, objects);
    // The machine goes on from here at the first step behind the point of no return.
    const beforeNoReturn = { ...input, beforeNoReturn: true };
    await expect(steps['begin-delete'](beforeNoReturn)).rejects.toMatchObject({ name: 'PastNoReturn' });
    await finish(input);
    expect(await endOf(input)).toMatchObject({ status: 'succeeded', result: { graphId: graph.graphId } });
  });

  test('a deletion that stopped among the snapshots is gone on with, although there is nothing to back up', async () => {
    const graph = await activeGraph();
    const first = await deletionOf(graph);
    await steps['begin-delete'](first);
    await steps['back-up-graph'](first);
    await harness.log.append(first.operationId, { type: 'failed', message: 'Stopped', error });
    await change(graph.graphId, 'snapshot', null);
    await objects.remove(graph.snapshot?.key ?? '');
    const second = await deletionOf(graph);
    await steps['begin-delete'](second);
    await steps['back-up-graph'](second);
    await finish(second);
    expect(await endOf(second)).toMatchObject({ status: 'succeeded' });
    // The backup of the one that stopped stays.
    expect(await backupsOf(graph)).toHaveLength(1);
  });

  test('a run of a deletion that was taken over erases nothing', async () => {
    const graph = await activeGraph();
    const first = await deletionOf(graph);
    await steps['begin-delete'](first);
    await steps['back-up-graph'](first);
    await harness.log.append(first.operationId, { type: 'failed', message: 'Stopped', error });
    const second = await deletionOf(graph);
    await steps['begin-delete'](second);
    await expect(steps['erase-graph'](first)).rejects.toThrow(/operation_over/);
    await steps['abandon-delete'](first);
    expect(await harness.graphs.get(graph.graphId)).toMatchObject({ writer: writerOf(second.operationId) });
  });
});

test('a graph goes with its tables, its files and its uploads, so many at once as a step can remove', async () => {
  const graph = await activeGraph();
  const { graphId } = graph;
  const tables = new DynamoTableStore(harness.table);
  const files = new DynamoTableFileStore(harness.table);
  const file = { graphId, table: 'Company', fileId: fileIdFor({ graphId, table: 'Company' }, undefined) };
  const keptUntil = new Date(Date.now() + 60_000).toISOString();
  await files.admit(file, keptUntil);
  await files.create({ ...file, keptUntil } as TableFile);
  const empty = emptyTable(graphId, 'Company');
  await tables.replace(empty, { ...empty, revision: 1 });
  const content = join(directory, 'content');
  await writeFile(content, 'rows');
  await objects.upload(uploadKey(file), content);
  const parts = join(directory, 'objects', partsPrefix(graphId, 'Company'));
  await mkdir(parts, { recursive: true });
  for (let count = 0; count < ERASED_AT_ONCE; count += 1) await writeFile(join(parts, `${count}.parquet`), '');

  const input = await deletionOf(graph, { backup: false });
  for (const name of ['begin-delete', 'back-up-graph', 'delete-subgraphs', 'drop-database', 'free-slot'] as const)
    await steps[name](input);
  await expect(steps['erase-graph'](input)).rejects.toMatchObject({ name: 'Retryable' });
  // The record stays until all of it has gone.
  expect(await statusOf(graph)).toBe('deleting');
  await steps['erase-graph'](input);
  expect(await harness.graphs.get(graphId)).toBeUndefined();
  expect(await tables.erase(graphId, 1)).toBe(0);
  expect([...(await objects.list(`graphs/${graphId}/`)), ...(await objects.list(`uploads/${graphId}/`))]).toEqual([]);
  // Who comes late with rows finds no claim.
  const late = publicationOn(empty, { operationId: 'op_1', mode: 'create', parts: [] });
  expect(await new Tables(tables, harness.log).publish(graphId, 'Company', late, AT)).toBeUndefined();
  expect(await tables.list(graphId)).toEqual([]);
});

test('a graph that is suspended still, and paid for by now, is not deleted because nobody pays', async () => {
  const graph = await activeGraph();
  await harness.graphs.followStanding(graph.graphId, 'suspended', 'mark');
  const accounts = new DynamoAccountStore(harness.table);
  await accounts.open(graph.tenantId, 'sub_1');
  const says = (status: 'live' | 'canceled', mark: string) =>
    accounts.moveStanding(graph.tenantId, 'sub_1', { status, mark });
  await says('live', `${AT}#1`);
  const input = await deletionOf(graph, { unlessPaid: true });
  await expect(steps['begin-delete'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await statusOf(graph)).toBe('suspended');
  await says('canceled', `${AT}#2`);
  await steps['begin-delete'](input);
  expect(await statusOf(graph)).toBe('deleting');
});

test('a graph that is deleted because nobody pays stays when somebody did', async () => {
  const graph = await activeGraph();
  const input = await deletionOf(graph, { unlessPaid: true });
  await expect(steps['begin-delete'](input)).rejects.toMatchObject({ name: 'Refusal' });
  expect(await statusOf(graph)).toBe('active');
  await harness.graphs.followStanding(graph.graphId, 'suspended', 'mark');
  await steps['begin-delete'](input);
  expect(await statusOf(graph)).toBe('deleting');
  // From here on a payment comes too late.
  expect(await harness.graphs.followStanding(graph.graphId, 'active', 'later mark')).toBe(false);
});
