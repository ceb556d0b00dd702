import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { operationIdFor } from '../../../domain/identifier.ts';
import { DynamoLetterStore } from '../../../domain/letter/dynamo-letter-store.ts';
import type { LoadedSnapshot } from '../../../domain/materialization/materialization.ts';
import type { OperationKind } from '../../../domain/operation/operation.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { newSnapshot, type Snapshot, snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { sourceOf } from '../../../domain/table/freshness.ts';
import { newPartKey, partsPrefix, type TablePart } from '../../../domain/table/table.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { OpenLineageRunEvent } from '../../fixtures/open-lineage.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const AT = '2026-01-01T00:00:00.000Z';
const TABLE = 'Entity';
const NAMES = [
  'claim-table',
  'release-table',
  'publish-table',
  'claim-graph',
  'release-graph',
  'publish-snapshot',
] as const;

let harness: StepsOnTable<(typeof NAMES)[number]>;
let directory: string;
let objects: DirectoryObjectStore;
let tables: DynamoTableStore;
let changes: Tables;
let writers: DynamoGraphWriterStore;
let graphId: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-steps-'));
  harness = await stepsOnTable(NAMES, {
    OBJECT_STORE_URL: pathToFileURL(directory).href,
    LINEAGE_URL: 'http://127.0.0.1:9/lineage',
  });
  objects = new DirectoryObjectStore(directory);
  tables = new DynamoTableStore(harness.table);
  changes = new Tables(tables, harness.log);
  writers = new DynamoGraphWriterStore(harness.table);
});
afterAll(async () => {
  await harness.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  const graph = graphRequestedBy(acceptedEvent());
  ({ graphId } = graph);
  await harness.graphs.create({ ...graph, status: 'active', writer: null });
});

const begun = async (kind: OperationKind, request: object): Promise<string> => {
  const operationId = operationIdFor('acme', undefined);
  await harness.store.putEvent(acceptedEvent({ operationId, kind, graphId, request }));
  return operationId;
};
const started = async (kind: OperationKind, request: object): Promise<string> => {
  const operationId = await begun(kind, request);
  await harness.log.append(operationId, { type: 'started', message: 'Begun' });
  return operationId;
};
const step = (name: (typeof NAMES)[number], operationId: string) => harness.steps[name]({ operationId, graphId });
const put = async (key: string): Promise<void> => {
  const file = join(directory, 'content');
  await writeFile(file, key);
  await objects.upload(key, file);
};
const statusOf = async (operationId: string) => (await harness.log.last(operationId)).status;

const STAGE = { table: TABLE, fileIds: [], mode: 'create', ignoreErrors: false };
/** A staging that has come to be published. */
const stagedUntilPublished = async (): Promise<{ operationId: string; part: TablePart }> => {
  const operationId = await begun('table.create', STAGE);
  await step('claim-table', operationId);
  const table = await tables.get(graphId, TABLE);
  const part = { key: newPartKey(table), rows: 3, bytes: 3, checksum: 'c' };
  await put(part.key);
  const detail = { part, version: table.version + 1, rejected: { count: 0, first: [] } };
  await harness.log.append(operationId, { type: 'progress', message: 'Staged', detail, pointOfNoReturn: true });
  return { operationId, part };
};
const stage = async (): Promise<TablePart> => {
  const { operationId, part } = await stagedUntilPublished();
  await step('publish-table', operationId);
  expect(await statusOf(operationId)).toBe('succeeded');
  return part;
};

const ALL = { force: false, rebuild: false, ignoreErrors: false, tables: null };
/** A materialization that has come to be published. */
const loadedUntilPublished = async (rejected = 0): Promise<{ operationId: string; snapshot: Snapshot }> => {
  const operationId = await begun('graph.materialize', ALL);
  await step('claim-graph', operationId);
  const graph = await harness.graphs.get(graphId);
  const source = sourceOf(graph?.snapshot?.source, await tables.list(graphId), { operationId, at: AT });
  const version = (graph?.snapshot?.version ?? 0) + 1;
  const snapshot = { ...newSnapshot(graphId, version, { checksum: 'c', bytes: 1 }), source };
  await put(snapshot.key);
  const loaded = [{ table: TABLE, kind: 'node' as const, rows: 3, rejected }];
  const detail: LoadedSnapshot = { snapshot, tables: loaded, rows: 3, rejected };
  await harness.log.append(operationId, { type: 'progress', message: 'Loaded', detail, pointOfNoReturn: true });
  return { operationId, snapshot };
};
const materialize = async (): Promise<Snapshot> => {
  const { operationId, snapshot } = await loadedUntilPublished();
  await step('publish-snapshot', operationId);
  expect(await statusOf(operationId)).toBe('succeeded');
  return snapshot;
};

describe('publishing a table', () => {
  test('removes what it replaces, but not what the snapshot was made from', async () => {
    const first = await stage();
    expect(await stage()).not.toEqual(first);
    const second = await tables.get(graphId, TABLE);
    expect(await objects.list(partsPrefix(graphId))).toEqual(second.parts.map(({ key }) => key));
    await materialize();
    const third = await stage();
    expect(await objects.list(partsPrefix(graphId))).toEqual([...second.parts, third].map(({ key }) => key));
    // The next snapshot is not made from it.
    await materialize();
    expect(await objects.list(partsPrefix(graphId))).toEqual([third.key]);
  });

  test('removes nothing while a materialization may be reading it', async () => {
    const first = await stage();
    await step('claim-graph', await begun('graph.materialize', ALL));
    const second = await stage();
    expect(await objects.list(partsPrefix(graphId))).toEqual([first.key, second.key]);
  });

  test('is refused when the table is not the operation’s any more, and its part goes', async () => {
    const { operationId, part } = await stagedUntilPublished();
    await changes.release(graphId, TABLE, operationId, AT);
    await expect(step('publish-table', operationId)).rejects.toMatchObject({ name: 'Terminal' });
    expect(await objects.head(part.key)).toBeUndefined();
    expect(await tables.get(graphId, TABLE)).toMatchObject({ version: 0 });
  });

  test('a claim that comes while the graph is deleted is refused, and the undo takes it back', async () => {
    const operationId = await begun('table.create', STAGE);
    await harness.graphs.followStanding(graphId, 'suspended', '1');
    await expect(step('claim-table', operationId)).rejects.toMatchObject({ name: 'Refusal' });
    await put(newPartKey(await tables.get(graphId, TABLE)));
    await step('release-table', operationId);
    expect(await tables.get(graphId, TABLE)).toMatchObject({ writer: null });
    expect(await objects.list(partsPrefix(graphId))).toEqual([]);
    // A run that is later still finds that its claim has ended for good.
    await expect(step('claim-table', operationId)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await tables.get(graphId, TABLE)).toMatchObject({ writer: null });
  });
});

describe('publishing a snapshot', () => {
  test('moves the pointer once, however often it runs, and keeps one version before', async () => {
    await stage();
    await materialize();
    await stage();
    const before = await materialize();
    await stage();
    const { operationId, snapshot } = await loadedUntilPublished();
    await Promise.all([step('publish-snapshot', operationId), step('publish-snapshot', operationId)]);
    await step('publish-snapshot', operationId);
    expect(await harness.graphs.get(graphId)).toMatchObject({ snapshot: { version: 3 }, writer: null });
    expect(await objects.list(snapshotPrefix(graphId))).toEqual([before.key, snapshot.key]);
    expect((await tables.get(graphId, TABLE)).unsettledSince).toBeNull();
  });

  test('what was staged meanwhile leaves the graph stale', async () => {
    await stage();
    const { operationId } = await loadedUntilPublished();
    await stage();
    await step('publish-snapshot', operationId);
    expect(await harness.log.get(operationId)).toMatchObject({ status: 'succeeded', result: { stale: true } });
    expect((await tables.get(graphId, TABLE)).unsettledSince).not.toBeNull();
  });

  test('rows that were left out make it partial, with where they are told', async () => {
    await stage();
    const { operationId } = await loadedUntilPublished(2);
    await step('publish-snapshot', operationId);
    const report = expect.stringContaining(`${operationId}/report`);
    expect(await harness.log.get(operationId)).toMatchObject({ status: 'partial', result: { rejected: 2, report } });
  });

  test('is refused when another writes the graph, and its file goes', async () => {
    await stage();
    const { operationId, snapshot } = await loadedUntilPublished();
    await writers.release(graphId, operationId);
    await writers.claim(graphId, null, writerOf('op_another'));
    await expect(step('publish-snapshot', operationId)).rejects.toMatchObject({ name: 'Terminal' });
    expect(await objects.head(snapshot.key)).toBeUndefined();
    expect(await harness.graphs.get(graphId)).toMatchObject({ snapshot: null, writer: writerOf('op_another') });
  });

  test('is told to the catalogue, and so is what came to nothing', async () => {
    await stage();
    const { operationId } = await loadedUntilPublished();
    await step('publish-snapshot', operationId);
    const failed = await started('graph.materialize', ALL);
    const error = { code: 'internal', message: 'It broke', retryable: true } as const;
    await harness.log.append(failed, { type: 'compensating', message: 'Undoing', error });
    await step('release-graph', failed);
    const { items } = await new DynamoLetterStore(harness.table, 'lineage').list('received', { limit: 100 });
    const told = items
      .map(({ text }) => OpenLineageRunEvent.parse(JSON.parse(text)))
      .filter(({ job }) => job.name === `${graphId}.materialize`);
    expect(told.map(({ eventType }) => eventType).sort()).toEqual(['COMPLETE', 'FAIL']);
    const complete = told.find(({ eventType }) => eventType === 'COMPLETE');
    expect(complete?.inputs.map(({ name }) => name)).toEqual([`${graphId}.${TABLE}`]);
  });
});

describe('claiming a graph', () => {
  test('that is fresh ends the operation and gives the graph back', async () => {
    await stage();
    await materialize();
    const operationId = await begun('graph.materialize', ALL);
    await expect(step('claim-graph', operationId)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await harness.log.get(operationId)).toMatchObject({ status: 'succeeded', result: { skipped: true } });
    expect((await harness.graphs.get(graphId))?.writer).toBeNull();
  });

  test('by a run that is late for its undo gives it back', async () => {
    const operationId = await begun('graph.materialize', ALL);
    const error = { code: 'internal', message: 'It broke', retryable: true } as const;
    harness.holdUp('UpdateItem', `GRAPH#${graphId}`, async () => {
      await harness.log.append(operationId, { type: 'compensating', message: 'Undoing', error });
      await step('release-graph', operationId);
    });
    await expect(step('claim-graph', operationId)).rejects.toMatchObject({ name: 'Refusal' });
    expect((await harness.graphs.get(graphId))?.writer).toBeNull();
  });
});
