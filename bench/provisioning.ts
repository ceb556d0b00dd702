import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { companiesGraph } from '../test/fixtures/graph-requests.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../test/fixtures/runtime-process.ts';
import { percentile, printTable } from './figures.ts';
import { engineAlone } from './ladybug-alone.ts';
import { type ProcessUsage, usageByRole } from './process-usage.ts';

/**
 * Provisions graphs on a runtime of its own and prints how long it took, beside the engine alone in the same run.
 * `npm run bench -- --graphs 2000 --at-once 32 --one-by-one 200`
 */
const { values } = parseArgs({
  options: {
    graphs: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '32' },
    'one-by-one': { type: 'string', default: '200' },
  },
});
const GRAPHS = Number(values.graphs);
const AT_ONCE = Number(values['at-once']);
const ONE_BY_ONE = Number(values['one-by-one']);

/** What the yardstick builds too: a schema, no entity. */
const REQUEST = JSON.stringify(companiesGraph({ kind: 'generic', entity: null }));

type Provisioned = {
  acceptMs: number;
  /** From the first event to the last, by the log's own times. */
  provisionMs: number;
  /** From each event's time in the log to its arrival here. */
  deliveryMs: number[];
};

/** As many instances as a fleet would have for so many graphs: a slot is a write to its instance's item. */
const CAPACITY = 250;
const INSTANCES = Math.ceil((GRAPHS + ONE_BY_ONE + AT_ONCE) / CAPACITY);
const tiers = [
  { tier: 'standard', minInstances: INSTANCES, maxInstances: INSTANCES, capacity: CAPACITY },
  { tier: 'large', minInstances: 0, maxInstances: 0, capacity: 1 },
  { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 },
];

const provision = async ({ url, tokens }: RuntimeProcess, follow: boolean): Promise<Provisioned> => {
  const headers = { authorization: `Bearer ${tokens.tenant}`, 'content-type': 'application/json' };
  const sentAt = performance.now();
  const response = await fetch(`${url}/v1/graphs`, { method: 'POST', headers, body: REQUEST });
  const { operationId } = (await response.json()) as { operationId: string };
  const acceptMs = performance.now() - sentAt;
  const events = `${url}/v1/operations/${operationId}/events`;
  const deliveryMs: number[] = [];
  const at: number[] = [];
  for (let ended = false; !ended; ) {
    const stream = await fetch(events, {
      headers: { ...headers, accept: 'text/event-stream', 'last-event-id': String(at.length) },
    });
    for (const { time, arrivedAt, status } of await arrivals(stream)) {
      at.push(time);
      if (follow) deliveryMs.push(arrivedAt - time);
      if (status === 'failed') throw new Error(`${operationId} failed.`);
      ended = status === 'succeeded';
    }
  }
  return { acceptMs, provisionMs: (at.at(-1) ?? 0) - (at[0] ?? 0), deliveryMs };
};

const arrivals = async (stream: Response) => {
  const found: { time: number; arrivedAt: number; status: string }[] = [];
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const arrivedAt = Date.now();
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const data = /^data: (\{"seq".*)$/m.exec(message)?.[1];
      if (data === undefined) continue;
      const { at, status } = JSON.parse(data) as { at: string; status: string };
      found.push({ time: Date.parse(at), arrivedAt, status });
    }
  }
  return found;
};

const measure = async (runtime: RuntimeProcess, graphs: number, atOnce: number) => {
  const done: Provisioned[] = [];
  const usage: Record<string, string>[] = [];
  const every = Math.ceil(graphs / 8);
  let before = usageByRole(runtime.pid);
  const startedAt = performance.now();
  let left = graphs;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        done.push(await provision(runtime, true));
        if (done.length % every !== 0) continue;
        const now = usageByRole(runtime.pid);
        usage.push(usageRow(done.length, every, before, now));
        before = now;
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  return { done, perSecond: graphs / seconds, usage };
};

type Usage = Record<string, ProcessUsage>;

/** What each process holds, and what processor time each took for one graph: that a busy machine does not change much. */
const usageRow = (graphs: number, since: number, before: Usage, now: Usage): Record<string, string> =>
  Object.fromEntries([
    ['graphs made', String(graphs)],
    ...Object.entries(now).map(([role, { mebibytes }]) => [`${role} MiB`, mebibytes.toFixed(0)]),
    ...Object.entries(now).map(([role, { cpuMs }]) => [
      `${role} CPU ms/graph`,
      ((cpuMs - (before[role]?.cpuMs ?? 0)) / since).toFixed(1),
    ]),
  ]);

const rowOf = (name: string, { done, perSecond }: Awaited<ReturnType<typeof measure>>) => {
  const pair = (numbers: number[]) => `${percentile(numbers, 50).toFixed(1)} / ${percentile(numbers, 99).toFixed(1)}`;
  return {
    '': name,
    'accept p50 / p99 ms': pair(done.map(({ acceptMs }) => acceptMs)),
    'accepted → succeeded p50 / p99 ms': pair(done.map(({ provisionMs }) => provisionMs)),
    'event → client p50 / p99 ms': pair(done.flatMap(({ deliveryMs }) => deliveryMs)),
    'graphs/s': perSecond.toFixed(1),
  };
};

const directory = await mkdtemp(join(tmpdir(), 'graphfleet-bench-'));
const runtime = await startRuntimeProcess(directory, { GRAPHFLEET_TIERS: JSON.stringify(tiers) });
try {
  const alone = await engineAlone(join(directory, 'alone'), ONE_BY_ONE, AT_ONCE);
  await Promise.all(Array.from({ length: AT_ONCE }, () => provision(runtime, false)));
  const oneByOne = await measure(runtime, ONE_BY_ONE, 1);
  const together = await measure(runtime, GRAPHS, AT_ONCE);
  printTable([rowOf('one by one', oneByOne), rowOf(`${AT_ONCE} at once`, together)]);
  printTable(alone);
  printTable(together.usage);
} finally {
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
}
