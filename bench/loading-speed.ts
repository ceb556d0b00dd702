import { join } from 'node:path';
import { operationIdFor } from '../domain/identifier.ts';
import { OperationLog } from '../domain/operation/operation-log.ts';
import { ProgressEvents } from '../instance/jobs/progress-events.ts';
import { Client } from '../test/e2e/client.ts';
import { stageDataSet } from '../test/e2e/data-set-graph.ts';
import type { Loading } from '../test/e2e/staging.ts';
import { openStores } from '../test/e2e/stores.ts';
import { acceptedEvent } from '../test/fixtures/operations.ts';
import { ONE_STANDARD_INSTANCE, startRuntimeProcess } from '../test/fixtures/runtime-process.ts';
import { type DataSet, writeDataSet } from './data-set.ts';
import { printTable } from './figures.ts';
import { engineAlone, linkStaged, loadAndCopy } from './loaded-graph.ts';
import { usageByRole } from './process-usage.ts';
import { inTurns, type Turn } from './turns.ts';

/**
 * A data set's files to a published snapshot on a runtime of its own, beside our load in this process (with and without its
 * progress events), and LadybugDB alone.
 */
export const benchSpeed = async (directory: string, people: number, rounds: number): Promise<void> => {
  const runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: ONE_STANDARD_INSTANCE });
  try {
    const dataSet = await writeDataSet(directory, { people, seed: 1 });
    const client = new Client({ ...runtime, dataDirectory: directory });
    const stores = openStores(client.target);
    const { graph, staged } = await stageDataSet(client, dataSet);
    printTable(staged.map((table) => stagingRow(dataSet, table)));

    const parts = (await stores.tables.list(graph.graphId)).flatMap(({ table, parts: [part] }) =>
      part === undefined ? [] : [{ table, path: join(directory, 'objects', 'objects', part.key) }],
    );
    const files = await linkStaged(directory, inOrder(dataSet, parts));
    const log = new OperationLog(stores.operations);
    let told = 0;
    const withEvents = async () => {
      const operationId = await runningOperation(log, stores.operations);
      const progress = new ProgressEvents(log, operationId, PASSAGE, rows);
      await loadAndCopy(directory, dataSet.schema, files, (done) => progress.tell(done));
      await progress.settled();
      told = (await log.last(operationId)).seq - BEGUN;
    };
    const rows = staged.reduce((sum, table) => sum + table.rows, 0);
    const turns = await inTurns(rounds, {
      whole: { work: () => materialized(graph), cpuMs: () => cpuMsOf(runtime.pid) },
      withEvents: { work: withEvents },
      withoutEvents: { work: () => loadAndCopy(directory, dataSet.schema, files) },
      alone: { work: () => engineAlone(directory, dataSet.schema, files) },
    });
    const row = (name: string, turn: Turn) => ({
      'staged Parquet to a snapshot': name,
      seconds: turn.seconds.toFixed(2),
      'rows/s': Math.round(rows / turn.seconds).toLocaleString('en'),
      'CPU s': turn.cpuSeconds.toFixed(2),
      'of LadybugDB, by time (aim 0.85)': (turns.alone.seconds / turn.seconds).toFixed(2),
      'by CPU': (turns.alone.cpuSeconds / turn.cpuSeconds).toFixed(2),
    });
    printTable([
      row('HTTP call to succeeded, on the runtime', turns.whole),
      row('loadGraph with events, checksum and a file copy', turns.withEvents),
      row('loadGraph without events', turns.withoutEvents),
      row('LadybugDB alone with a file copy', turns.alone),
    ]);
    const appendMs = await millisecondsOfAnEvent(log, stores.operations);
    const share = (told * appendMs) / (turns.withEvents.seconds * 1_000);
    printTable([
      {
        'progress events (aim: under 1 %)': String(told),
        'ms for one, on an idle store': appendMs.toFixed(1),
        'both multiplied, of the load': `${(share * 100).toFixed(2)} %`,
        'load with them, of one without': (turns.withEvents.seconds / turns.withoutEvents.seconds).toFixed(3),
        'by CPU': (turns.withEvents.cpuSeconds / turns.withoutEvents.cpuSeconds).toFixed(3),
      },
    ]);
  } finally {
    await runtime.stop();
  }
};

const PASSAGE = { step: 'loadGraph', rowsAre: 'loaded', fromPercent: 20, toPercent: 80 };

const materialized = async (graph: Loading): Promise<void> => {
  const { status, error } = await graph.materialize({ rebuild: true });
  if (status !== 'succeeded') throw new Error(`The load ended ${status}: ${JSON.stringify(error)}`);
};

const stagingRow = (
  { tables }: DataSet,
  { table, rows, seconds }: { table: string; rows: number; seconds: number },
) => ({
  staged: table,
  files: (tables.find((own) => own.table === table)?.files ?? []).map(({ name }) => name).join(', '),
  rows: rows.toLocaleString('en'),
  'HTTP call to succeeded, s': seconds.toFixed(2),
  'rows/s': Math.round(rows / seconds).toLocaleString('en'),
});

/** Nodes first, as the data set has them. */
const inOrder = <Part extends { table: string }>({ tables }: DataSet, parts: readonly Part[]): Part[] =>
  tables.flatMap(({ table }) => parts.filter((part) => part.table === table));

const cpuMsOf = (pid: number): number => Object.values(usageByRole(pid)).reduce((sum, { cpuMs }) => sum + cpuMs, 0);

type Operations = ReturnType<typeof openStores>['operations'];

/** How many events an operation that runs has. */
const BEGUN = 2;

/** An operation that is running, as far as its log goes. */
const runningOperation = async (log: OperationLog, operations: Operations): Promise<string> => {
  const operationId = operationIdFor('bench', undefined);
  await operations.putEvent(acceptedEvent({ operationId }));
  await log.append(operationId, { type: 'started', message: 'Begun' });
  return operationId;
};

const APPENDED = 100;

const millisecondsOfAnEvent = async (log: OperationLog, operations: Operations): Promise<number> => {
  const operationId = await runningOperation(log, operations);
  const startedAt = performance.now();
  for (let rowsDone = 1; rowsDone <= APPENDED; rowsDone += 1) {
    const last = await log.last(operationId);
    const detail = { table: 'Person', rowsDone, rowsTotal: APPENDED };
    await log.appendAfter(last, { type: 'progress', step: 'loadGraph', message: 'Rows loaded', detail });
  }
  return (performance.now() - startedAt) / APPENDED;
};
