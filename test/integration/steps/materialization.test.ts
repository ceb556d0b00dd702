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
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import type { RepositoryName } from '../../../domain/repository/repository.ts';
import { DirectoryObjectStore } from '../../../domain/snapshot/directory-object-store.ts';
import { newSnapshot, type Snapshot, snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { sourceOf } from '../../../domain/table/freshness.ts';
import { newLoadReportKey } from '../../../domain/table/staging.ts';
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
  const made = { part, version: table.version + 1, rejected: { count: 0, first: [] } };
  await harness.log.append(operationId, { type: 'progress', message: 'Staged', made, pointOfNoReturn: true });
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
  const report = rejected > 0 ? newLoadReportKey(graphId, operationId) : null;
  if (report !== null) await put(report);
  const made: LoadedSnapshot = { snapshot, tables: loaded, derived: [], rows: 3, rejected, report };
  await harness.log.append(operationId, { type: 'progress', message: 'Loaded', made, pointOfNoReturn: true });
  return { operationId, snapshot };
};

const derivedFrom = (graph: string) => ({
  ...ALL,
  sources: [{ kind: 'snapshot', graphId: graph, tables: [TABLE], excludePatterns: [] }],
});
/** A graph with a snapshot to derive from, which another tenant has when one is named. */
const sourceGraph = async (tenantId = 'acme', repository?: RepositoryName): Promise<string> => {
  const graph = graphRequestedBy(acceptedEvent());
  const snapshot = newSnapshot(graph.graphId, 4, { checksum: 'c', bytes: 1 });
  const named = repository && ({ kind: 'repository', name: repository } as const);
  await harness.graphs.create({ ...graph, ...named, tenantId, status: 'active', writer: null, snapshot });
  return graph.graphId;
};
/** A materialization that has derived its table and come to be published. */
const derivedUntilPublished = async (from: string) => {
  const operationId = await begun('graph.materialize', derivedFrom(from));
  await step('claim-graph', operationId);
  const table = await tables.get(graphId, TABLE);
  const part = { key: newPartKey(table), rows: 3, bytes: 3, checksum: 'c' };
  const kept = { ...table, version: table.version + 1, parts: [part] };
  const source = sourceOf(undefined, [kept], { operationId, at: AT });
  const snapshot = { ...newSnapshot(graphId, 1, { checksum: 'c', bytes: 1 }), source };
  for (const key of [part.key, snapshot.key]) await put(key);
  const made: LoadedSnapshot = {
    snapshot,
    tables: [{ table: TABLE, kind: 'node', rows: 3, rejected: 0 }],
    derived: [
      { table: TABLE, version: kept.version, part, source: { kind: 'snapshot', graphId: from, snapshotVersion: 4 } },
    ],
    rows: 3,
    rejected: 0,
    report: null,
  };
  await harness.log.append(operationId, {
    type: 'progress',
    message: 'Loaded',
    detail: {},
    made,
    pointOfNoReturn: true,
  });
  return { operationId, part, snapshot };
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

  test('run late removes nothing that a later snapshot was made from', async () => {
    await stage();
    const { operationId } = await loadedUntilPublished();
    harness.holdUp('PutItem', `GRAPH#${graphId}`, async () => {
      await step('publish-snapshot', operationId);
      await stage();
      await materialize();
      await stage();
    });
    await step('publish-snapshot', operationId);
    const named = (await harness.graphs.get(graphId))?.snapshot?.source?.tables.map(({ part }) => part?.key);
    expect(named).toHaveLength(1);
    expect(await objects.list(partsPrefix(graphId))).toEqual(expect.arrayContaining(named ?? []));
  });

  test('is told to the catalogue, that it began and how it ended, and so is what came to nothing', async () => {
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
    expect(told.map(({ eventType }) => eventType).sort()).toEqual(['COMPLETE', 'FAIL', 'START']);
    const [start, end] = ['START', 'COMPLETE'].map((type) => told.find(({ eventType }) => eventType === type));
    expect(start?.run.runId).toBe(end?.run.runId);
    expect(String(start?.eventTime) <= String(end?.eventTime)).toBe(true);
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
    // No catalogue hears of what did not begin.
    expect(await new DynamoLetterStore(harness.table, 'lineage').get(`${operationId}.START`)).toBeUndefined();
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

describe('a materialization that derives a table', () => {
  test('claims it, and publishes it and then the snapshot, however often that runs', async () => {
    const from = await sourceGraph();
    const { operationId, part, snapshot } = await derivedUntilPublished(from);
    const staging = await begun('table.create', STAGE);
    await expect(step('claim-table', staging)).rejects.toMatchObject({ cause: { code: 'conflict' } });
    // When the pointer is moved the rows are the table's: if the run ended in between, nothing would be of rows that are nowhere.
    let before = 0;
    harness.holdUp('UpdateItem', `GRAPH#${graphId}`, async () => {
      before = (await tables.get(graphId, TABLE)).version;
    });
    await Promise.all([step('publish-snapshot', operationId), step('publish-snapshot', operationId)]);
    await step('publish-snapshot', operationId);
    const source = { kind: 'snapshot', graphId: from, snapshotVersion: 4 };
    expect(await tables.get(graphId, TABLE)).toMatchObject({
      version: 1,
      writer: null,
      parts: [part],
      stagedBy: operationId,
      source,
      unsettledSince: null,
    });
    expect(await harness.graphs.get(graphId)).toMatchObject({ snapshot: { key: snapshot.key }, writer: null });
    expect(await harness.log.get(operationId)).toMatchObject({
      status: 'succeeded',
      result: { stale: false, sources: [{ graphId: from, version: 4, tables: [TABLE] }] },
    });
    expect(await objects.head(part.key)).toBeDefined();
    expect(before).toBe(1);

    const { items } = await new DynamoLetterStore(harness.table, 'lineage').list('received', { limit: 100 });
    const told = items
      .map(({ text }) => OpenLineageRunEvent.parse(JSON.parse(text)))
      .filter(({ eventType, job }) => eventType === 'COMPLETE' && job.name === `${graphId}.materialize`);
    expect(told).toMatchObject([
      {
        inputs: [{ name: from, facets: { version: { datasetVersion: '4' } } }],
        outputs: [{ name: graphId }, { name: `${graphId}.${TABLE}` }],
      },
    ]);
  });

  test('publishes nothing when the graph is not its own any more, and removes what it made', async () => {
    const { operationId, part, snapshot } = await derivedUntilPublished(await sourceGraph());
    await writers.release(graphId, operationId);
    await writers.claim(graphId, null, writerOf('op_another'));
    await expect(step('publish-snapshot', operationId)).rejects.toMatchObject({ name: 'Terminal' });
    for (const key of [part.key, snapshot.key]) expect(await objects.head(key)).toBeUndefined();
    expect(await tables.get(graphId, TABLE)).toMatchObject({ version: 0, parts: [] });
  });

  test('gives graph and tables back, with what it has uploaded, when it is undone', async () => {
    const operationId = await begun('graph.materialize', derivedFrom(await sourceGraph()));
    await step('claim-graph', operationId);
    await put(newPartKey(await tables.get(graphId, TABLE)));
    const error = { code: 'internal', message: 'It broke', retryable: true } as const;
    await harness.log.append(operationId, { type: 'compensating', message: 'Undoing', error });
    await step('release-graph', operationId);
    await step('release-graph', operationId);
    expect(await tables.get(graphId, TABLE)).toMatchObject({ writer: null, version: 0 });
    expect((await harness.graphs.get(graphId))?.writer).toBeNull();
    expect(await objects.list(partsPrefix(graphId))).toEqual([]);
  });

  test('is refused while another stages the table, or when its run is late, and gives all back', async () => {
    const from = await sourceGraph();
    const staging = await begun('table.create', STAGE);
    await step('claim-table', staging);
    const second = await begun('graph.materialize', derivedFrom(from));
    await expect(step('claim-graph', second)).rejects.toMatchObject({ cause: { code: 'conflict' } });
    expect((await harness.graphs.get(graphId))?.writer).toBeNull();
    await step('release-table', staging);

    const late = await begun('graph.materialize', derivedFrom(from));
    const error = { code: 'internal', message: 'It broke', retryable: true } as const;
    harness.holdUp('PutItem', `GRAPH#${graphId}`, async () => {
      await harness.log.append(late, { type: 'compensating', message: 'Undoing', error });
      await step('release-graph', late);
    });
    await expect(step('claim-graph', late)).rejects.toMatchObject({ name: 'Refusal' });
    expect((await harness.graphs.get(graphId))?.writer).toBeNull();
    expect(await tables.get(graphId, TABLE)).toMatchObject({ writer: null });
  });

  test('does not derive from another tenant’s graph, but from a repository while there is access to it', async () => {
    const refused = async (from: string, code: string) => {
      const operationId = await begun('graph.materialize', derivedFrom(from));
      await expect(step('claim-graph', operationId)).rejects.toMatchObject({ cause: { code } });
      expect((await harness.graphs.get(graphId))?.writer).toBeNull();
    };
    await refused(await sourceGraph('other'), 'not_found');

    const repository = 'filings';
    const from = await sourceGraph('other', repository);
    await refused(from, 'not_found');
    const accesses = new DynamoRepositoryAccessStore(harness.table);
    const operationId = operationIdFor('acme', undefined);
    const access = { tenantId: 'acme', repository, plan: 'reader', graphId: from, operationId, grantedAt: AT } as const;
    await accesses.grant({ ...access, status: 'granting' });
    await refused(from, 'not_found');
    await accesses.activate('acme', repository, operationId);
    await accesses.follow('acme', repository, 'suspended', 'mark-1');
    await refused(from, 'payment_required');
    await accesses.follow('acme', repository, 'active', 'mark-2');
    await step('claim-graph', await begun('graph.materialize', derivedFrom(from)));
    expect((await harness.graphs.get(graphId))?.writer).not.toBeNull();
  });
});
