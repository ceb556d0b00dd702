/**
 * What operations cost by list prices: each kind is run alone on a runtime of its own, whose calls to AWS are recorded, and what
 * goes on when nobody asks for anything is taken away. `npm run price` writes docs/price.md.
 * `npm run price -- --runs 5 --idle 60`
 * `npm run price -- --check --idle 10` fails when creating a graph uses more than the aim, and writes nothing.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startRuntimeProcess } from '../../test/fixtures/runtime-process.ts';
import { aimKept, priceReport } from './price-report.ts';
import { type Recorded, RecordedOperations } from './recorded-operations.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    idle: { type: 'string', default: '60' },
    check: { type: 'boolean', default: false },
  },
});
const RUNS = Number(values.runs);
const tier = (name: string, minInstances: number, maxInstances: number) => ({
  tier: name,
  minInstances,
  maxInstances,
  capacity: 4 * RUNS,
});
const GRAPHFLEET_TIERS = JSON.stringify([
  tier('standard', 1, 2),
  tier('large', 1, 1),
  tier('xlarge', 0, 0),
  tier('shared', 0, 1),
]);
const REPORT = fileURLToPath(new URL('../../docs/price.md', import.meta.url));

const writeReport = async (recorded: readonly Recorded[], idle: Recorded): Promise<void> => {
  const machine = `Node ${process.version}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}`;
  const report = priceReport({ recorded, idle, machine });
  await writeFile(REPORT, report);
  console.log(report);
};

const directory = await mkdtemp(join(tmpdir(), 'graphfleet-price-'));
const recording = join(directory, 'recording');
const runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS, GRAPHFLEET_RECORD: recording });
try {
  const operations = new RecordedOperations(runtime, recording, RUNS);
  const idle = await operations.idle(Number(values.idle));
  const recorded: Recorded[] = [];
  for await (const operation of operations.all()) {
    console.error(`${operation.kind}: ${operation.runs} in ${operation.seconds.toFixed(1)} s`);
    recorded.push(operation);
    // Graphs are created first.
    if (values.check) break;
  }
  if (values.check) {
    const { kept, says } = aimKept(recorded, idle);
    console.log(says);
    process.exitCode = kept ? 0 : 1;
  } else await writeReport(recorded, idle);
} finally {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
}
