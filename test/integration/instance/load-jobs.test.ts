import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { DynamoGraphStore } from '../../../domain/graph/dynamo-graph-store.ts';
import { DynamoGraphWriterStore } from '../../../domain/graph/dynamo-graph-writer-store.ts';
import { writerOf } from '../../../domain/graph/graph.ts';
import { graphRequestedBy } from '../../../domain/graph/graph-request.ts';
import { fileIdFor, operationIdFor } from '../../../domain/identifier.ts';
import { loadedSnapshotIn, type MaterializationRequest } from '../../../domain/materialization/materialization.ts';
import { DynamoOperationStore } from '../../../domain/operation/dynamo-operation-store.ts';
import type { OperationKind } from '../../../domain/operation/operation.ts';
import type { OperationEvent } from '../../../domain/operation/operation-event.ts';
import { OperationLog } from '../../../domain/operation/operation-log.ts';
import { DynamoRepositoryAccessStore } from '../../../domain/repository/dynamo-repository-access-store.ts';
import { snapshotPrefix } from '../../../domain/snapshot/snapshot.ts';
import { DynamoTableFileStore } from '../../../domain/table/dynamo-table-file-store.ts';
import { DynamoTableStore } from '../../../domain/table/dynamo-table-store.ts';
import { loadReportsPrefix, type StageRequest, stagedPartIn } from '../../../domain/table/staging.ts';
import { partsPrefix } from '../../../domain/table/table.ts';
import { type TableFile, uploadKey } from '../../../domain/table/table-file.ts';
import { Tables } from '../../../domain/table/tables.ts';
import { openReadOnly } from '../../../instance/database/read-only-database.ts';
import { inTurn } from '../../../instance/jobs/in-turn.ts';
import { materialize } from '../../../instance/jobs/materialize.ts';
import { ProgressEvents } from '../../../instance/jobs/progress-events.ts';
import { stageFiles } from '../../../instance/jobs/stage-files.ts';
import { startControlTable } from '../../fixtures/control-table.ts';
import { acceptedEvent } from '../../fixtures/operations.ts';
import { temporaryDirectory } from '../local/temporary-directory.ts';
import { jobOf, openWorkplace, type Workplace } from './workplace.ts';

const TABLE = 'Entity';
const AT = '2026-01-01T00:00:00.000Z';

let table: ControlTableClient;
let store: DynamoOperationStore;
let operations: OperationLog;
let graphs: DynamoGraphStore;
let accesses: DynamoRepositoryAccessStore;
let writers: DynamoGraphWriterStore;
let tables: DynamoTableStore;
let files: DynamoTableFileStore;
let changes: Tables;
let close: () => Promise<void>;
let workplace: Workplace;
let graphId: string;

beforeAll(async () => {
  const started = await startControlTable();
  ({ close, table } = started);
  store = new DynamoOperationStore(table);
  operations = new OperationLog(store);
  graphs = new DynamoGraphStore(table);
  accesses = new DynamoRepositoryAccessStore(table);
  writers = new DynamoGraphWriterStore(table);
  tables = new DynamoTableStore(table);
  files = new DynamoTableFileStore(table);
  changes = new Tables(tables, operations);
});

afterAll(() => close());

beforeEach(async () => {
  workplace = await openWorkplace();
  const accepted = acceptedEvent();
  graphId = graphRequestedBy(accepted).graphId;
  await graphs.create({ ...graphRequestedBy(accepted), status: 'active', writer: null });
});

const begun = async (kind: OperationKind, request: StageRequest | MaterializationRequest): Promise<string> => {
  const operationId = operationIdFor('acme', undefined);
  await store.putEvent(acceptedEvent({ operationId, kind, graphId, request }));
  await operations.append(operationId, { type: 'started', message: 'Begun' });
  return operationId;
};

const upload = async (
  rows: string,
  checksum = createHash('sha256').update(rows).digest('hex'),
  table = TABLE,
): Promise<string> => {
  const fileId = fileIdFor({ graphId, table }, undefined);
  const file: TableFile = {
    graphId,
    table,
    fileId,
    fileName: 'rows.csv',
    format: 'csv',
    compression: 'none',
    delimiter: null,
    bytes: Buffer.byteLength(rows),
    checksum,
    createdBy: 'ada',
    createdAt: AT,
    keptUntil: '2126-01-01T00:00:00.000Z',
    uploadedAt: AT,
    stagedBy: null,
  };
  const path = join(await temporaryDirectory(), fileId);
  await writeFile(path, rows);
  await workplace.objects.upload(uploadKey(file), path);
  await files.create(file);
  return fileId;
};

const stagingOf = (operationId: string, signal = new AbortController().signal) =>
  stageFiles({ ...workplace, operations, graphs, tables, files })(
    jobOf('stage-table', { operationId, graphId }),
    signal,
  );
const loadOf = (operationId: string, signal = new AbortController().signal, holding = 1) =>
  materialize({ ...workplace, operations, graphs, accesses, tables })(
    jobOf('materialize', { operationId, graphId }, holding),
    signal,
  );
const partsKept = () => workplace.objects.list(partsPrefix(graphId));
const reportsKept = (operationId: string) => workplace.objects.list(loadReportsPrefix(graphId, operationId));
const snapshotsKept = () => workplace.objects.list(snapshotPrefix(graphId));

const ask = (fileId: string, own: Partial<StageRequest> = {}): StageRequest => ({
  table: TABLE,
  fileIds: [fileId],
  mode: 'create',
  ignoreErrors: false,
  ...own,
});
const claimedStaging = async (rows: string, own: Partial<StageRequest> = {}, checksum?: string): Promise<string> => {
  const { table = TABLE } = own;
  const operationId = await begun('table.create', ask(await upload(rows, checksum, table), own));
  await changes.claim(graphId, table, operationId);
  return operationId;
};
/** Stages rows to the end, as the workflow does. */
const staged = async (rows: string, table = TABLE): Promise<void> => {
  const operationId = await claimedStaging(rows, { table });
  await stagingOf(operationId);
  const { part, version } = stagedPartIn(await operations.last(operationId));
  await changes.publish(graphId, table, { operationId, version, parts: [part] }, AT);
};

describe('the job of a staging', () => {
  test('uploads one part, tells the log, and does it once however often it runs', async () => {
    const operationId = await claimedStaging('identifier\na\nb\n');
    await stagingOf(operationId);
    await stagingOf(operationId);
    const { part, version } = stagedPartIn(await operations.last(operationId));
    expect({ version, rows: part.rows }).toEqual({ version: 1, rows: 2 });
    expect(await partsKept()).toEqual([part.key]);
    expect((await operations.last(operationId)).cancellable).toBe(false);
    expect(await workplace.scratchFiles()).toEqual([]);
  });

  test('of two runs at once the log takes one, and the other removes its part', async () => {
    const operationId = await claimedStaging('identifier\na\n');
    await Promise.all([stagingOf(operationId), stagingOf(operationId)]);
    expect(await partsKept()).toEqual([stagedPartIn(await operations.last(operationId)).part.key]);
  });

  test('leaves nothing when its operation is undone, or it is stopped, while it uploads', async () => {
    const operationId = await claimedStaging('identifier\na\n');
    const error = { code: 'internal', message: 'Lost', retryable: true } as const;
    workplace.objects.afterUpload = async () => {
      await operations.append(operationId, { type: 'compensating', message: 'Undoing', error });
    };
    await expect(stagingOf(operationId)).rejects.toMatchObject({ name: 'Refusal' });
    workplace.objects.afterUpload = async () => {};
    const stopped = new AbortController();
    await changes.release(graphId, TABLE, operationId, AT);
    const another = await claimedStaging('identifier\nb\n');
    workplace.objects.afterUpload = async () => stopped.abort();
    await expect(stagingOf(another, stopped.signal)).rejects.toMatchObject({ name: 'Refusal' });
    expect(await partsKept()).toEqual([]);
    expect(await workplace.scratchFiles()).toEqual([]);
  });

  test('refuses bytes that are not those that were described, and a table that another has claimed', async () => {
    const operationId = await claimedStaging('identifier\na\n', {}, '0'.repeat(64));
    await expect(stagingOf(operationId)).rejects.toMatchObject({ code: 'internal' });
    await changes.release(graphId, TABLE, operationId, AT);
    await expect(stagingOf(operationId)).rejects.toMatchObject({ code: 'conflict' });
    expect(await partsKept()).toEqual([]);
  });

  test('adds to the rows that are there, of which none may come again', async () => {
    await staged('identifier\na\n');
    const inserting = await claimedStaging('identifier\nb\n', { mode: 'insert' });
    await stagingOf(inserting);
    expect(stagedPartIn(await operations.last(inserting))).toMatchObject({ version: 2, part: { rows: 2 } });
    await changes.release(graphId, TABLE, inserting, AT);
    const again = await claimedStaging('identifier\na\n', { mode: 'insert' });
    await expect(stagingOf(again)).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

/** A log whose store writes the result of a job and answers as its client does that has repeated the write: it is there. */
const logOfLostAnswers = (whenWritten: () => Promise<void>): OperationLog => {
  class LosingAnswers extends DynamoOperationStore {
    override async putEvent(event: OperationEvent): Promise<boolean> {
      const isWritten = await super.putEvent(event);
      if (event.made === undefined) return isWritten;
      await whenWritten();
      return false;
    }
  }
  return new OperationLog(new LosingAnswers(table));
};

describe('the job of a materialization', () => {
  const ALL: MaterializationRequest = { force: false, rebuild: false, ignoreErrors: false, tables: null };
  const claimedLoad = async (own: Partial<MaterializationRequest> = {}): Promise<string> => {
    const operationId = await begun('graph.materialize', { ...ALL, ...own });
    await writers.claim(graphId, null, writerOf(operationId));
    return operationId;
  };

  test('uploads a snapshot of what is staged, with what it was made from, and publishes nothing', async () => {
    await staged('identifier,name\na,é\nb,\n');
    const operationId = await claimedLoad();
    await loadOf(operationId);
    await loadOf(operationId);
    const { snapshot, tables: loaded } = loadedSnapshotIn(await operations.last(operationId));
    expect(loaded).toEqual([{ table: TABLE, kind: 'node', rows: 2, rejected: 0 }]);
    expect(snapshot).toMatchObject({ version: 1, source: { operationId, tables: [{ table: TABLE, version: 1 }] } });
    expect(await snapshotsKept()).toEqual([snapshot.key]);
    expect((await graphs.get(graphId))?.snapshot).toBeNull();
    expect(await workplace.scratchFiles()).toEqual([]);
    // Whoever asks for it when it is published need not wait for it.
    expect(await workplace.cachedFiles()).toHaveLength(1);
    const copy = join(await temporaryDirectory(), 'copy');
    await workplace.objects.download(snapshot.key, copy);
    await (await openReadOnly(copy)).close();
  });

  test('of two runs at once the log takes one, and the other removes its snapshot', async () => {
    await staged('identifier\na\n');
    const operationId = await claimedLoad();
    await Promise.all([loadOf(operationId), loadOf(operationId)]);
    expect(await snapshotsKept()).toEqual([loadedSnapshotIn(await operations.last(operationId)).snapshot.key]);
  });

  test.each([false, true])(
    'a result that the log has stays, though its answer was lost; the operation over: %s',
    async (isOver) => {
      await staged('identifier\na\n');
      const operationId = await claimedLoad();
      const log = logOfLostAnswers(async () => {
        if (isOver) await operations.append(operationId, { type: 'succeeded', message: 'Published', result: {} });
      });
      const run = materialize({ ...workplace, operations: log, graphs, accesses, tables });
      await run(jobOf('materialize', { operationId, graphId }), new AbortController().signal);
      const committed = (await operations.events(operationId, 0, 100)).find(({ made }) => made !== undefined);
      expect(await snapshotsKept()).toEqual([committed && loadedSnapshotIn(committed).snapshot.key]);
    },
  );

  test('a run that was taken for lost can not publish, though it is done first; who has the work now can', async () => {
    await staged('identifier\na\n');
    const operationId = await claimedLoad();
    // As the work is handed out again while the first run does not answer, which has all but told what it made.
    const handed = { type: 'progress', message: 'Handed out again, to inst-1', holding: 2 } as const;
    workplace.objects.afterUpload = async () => void (await operations.append(operationId, handed));
    await expect(loadOf(operationId)).rejects.toMatchObject({
      name: 'Retryable',
      message: expect.stringContaining('handed out again'),
    });
    expect(await snapshotsKept()).toEqual([]);
    expect((await operations.last(operationId)).cancellable).toBe(true);

    workplace.objects.afterUpload = async () => {};
    await loadOf(operationId, undefined, 2);
    const { snapshot } = loadedSnapshotIn(await operations.last(operationId));
    expect(await snapshotsKept()).toEqual([snapshot.key]);
    // An event in between, as of a handing out that came late, does not hide what is to be published.
    await operations.append(operationId, { ...handed, holding: 3 });
    expect(loadedSnapshotIn(await operations.last(operationId)).snapshot).toEqual(snapshot);
  });

  test('the report of the rows that were left out is that of the run that counts, and every other goes', async () => {
    await staged('identifier\na\n');
    await staged('from,to\na,nobody\n', 'RELATED_TO');
    const operationId = await claimedLoad({ ignoreErrors: true });
    await Promise.all([loadOf(operationId), loadOf(operationId)]);
    const { report, rejected } = loadedSnapshotIn(await operations.last(operationId));
    expect(rejected).toBe(1);
    expect(await reportsKept(operationId)).toEqual([report]);

    await writers.release(graphId, operationId);
    const undone = await claimedLoad({ ignoreErrors: true });
    workplace.objects.afterUpload = async () => {
      await operations.append(undone, { type: 'failed', message: 'Given up', error: null });
    };
    await expect(loadOf(undone)).rejects.toMatchObject({ code: 'operation_over' });
    expect(await reportsKept(undone)).toEqual([]);
  });

  test('a run that is handed over again while it does not answer goes on, and its result counts', async () => {
    await staged('identifier\na\n');
    const operationId = await claimedLoad();
    const handed = jobOf('materialize', { operationId, graphId });
    workplace.objects.afterUpload = async () => {
      await operations.append(operationId, { type: 'progress', message: 'Handed out again', holding: 2 });
      handed.leaseId = `${operationId}.2`;
    };
    await materialize({ ...workplace, operations, graphs, accesses, tables })(handed, new AbortController().signal);
    expect(await snapshotsKept()).toEqual([loadedSnapshotIn(await operations.last(operationId)).snapshot.key]);
  });

  test('a run that comes after its operation is over leaves nothing and can not be published', async () => {
    await staged('identifier\na\n');
    const operationId = await claimedLoad();
    workplace.objects.afterUpload = async () => {
      await operations.append(operationId, { type: 'failed', message: 'Given up', error: null });
    };
    await expect(loadOf(operationId)).rejects.toMatchObject({ code: 'operation_over' });
    await expect(loadOf(operationId)).rejects.toMatchObject({ code: 'operation_over' });
    expect(await snapshotsKept()).toEqual([]);
    expect(await workplace.scratchFiles()).toEqual([]);
  });

  test('rows that are not those that were staged are not loaded', async () => {
    await staged('identifier\na\n');
    const [key = ''] = await partsKept();
    const other = join(await temporaryDirectory(), 'other');
    await writeFile(other, 'something else');
    await workplace.objects.upload(key, other);
    const operationId = await claimedLoad();
    await expect(loadOf(operationId)).rejects.toMatchObject({ code: 'internal' });
    expect(await reportsKept(operationId)).toEqual([]);
  });

  test('a graph that another operation writes is left alone', async () => {
    await staged('identifier\na\n');
    const operationId = await claimedLoad();
    await writers.release(graphId, operationId);
    await expect(loadOf(operationId)).rejects.toMatchObject({ code: 'conflict' });
    expect(await snapshotsKept()).toEqual([]);
  });

  test('progress is told once for the end of a table and once a second in between, never too often nor behind the end', async () => {
    const operationId = await claimedLoad();
    let now = 0;
    const passage = { step: 'loadGraph', rowsAre: 'loaded', fromPercent: 20, toPercent: 80 };
    const progress = new ProgressEvents(operations, operationId, passage, 100, () => now);
    const told = async () => (await operations.events(operationId, 2, 100)).map(({ percent }) => percent);
    for (let rowsDone = 0; rowsDone < 50; rowsDone += 1) {
      progress.tell({ table: TABLE, rowsDone, rowsTotal: 60 });
      await progress.settled();
    }
    expect(await told()).toEqual([20]);
    now = 1_000;
    progress.tell({ table: TABLE, rowsDone: 50, rowsTotal: 60 });
    await progress.settled();
    for (const [at, table, rowsTotal] of [
      [1_299, 'RELATED_TO', 0],
      [1_300, TABLE, 60],
      [1_600, TABLE, 60],
    ] as const) {
      now = at;
      progress.tell({ table, rowsDone: rowsTotal, rowsTotal });
      await progress.settled();
    }
    expect(await told()).toEqual([20, 50, 56]);
    await operations.append(operationId, { type: 'progress', message: 'Loaded', pointOfNoReturn: true });
    progress.tell({ table: 'RELATED_TO', rowsDone: 40, rowsTotal: 40 });
    await progress.settled();
    expect(await operations.last(operationId)).toMatchObject({ message: 'Loaded' });
  });
});

test('so many loads run at once, the others wait in order, and one that is stopped leaves the queue', async () => {
  const loading = inTurn(1);
  const ran: string[] = [];
  const held = Promise.withResolvers<void>();
  const work = loading<'materialize'>(async ({ operationId }) => {
    ran.push(operationId);
    await held.promise;
  });
  const run = (operationId: string, signal = new AbortController().signal) =>
    work(jobOf('materialize', { operationId, graphId }), signal);
  const stopped = new AbortController();
  const first = run('op_1');
  const second = run('op_2', stopped.signal);
  const others = [run('op_3'), run('op_4')];
  stopped.abort(new Error('Stopped'));
  await expect(second).rejects.toThrow('Stopped');
  await expect(run('op_5', stopped.signal)).rejects.toThrow('Stopped');
  expect(ran).toEqual(['op_1']);
  held.resolve();
  await Promise.all([first, ...others]);
  await run('op_6');
  expect(ran).toEqual(['op_1', 'op_3', 'op_4', 'op_6']);
});
