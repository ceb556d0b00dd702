import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient, type PutCommand } from '@aws-sdk/lib-dynamodb';
import { operationIdFor } from '../domain/identifier.ts';
import { DynamoOperationStore } from '../domain/operation/dynamo-operation-store.ts';
import { eventAfter } from '../domain/operation/operation-automaton.ts';
import { type OperationEvent, operationAsOf } from '../domain/operation/operation-event.ts';
import { LOCAL } from '../local/settings.ts';
import { acceptedEvent } from '../test/fixtures/operations.ts';
import { type RuntimeProcess, startRuntimeProcess } from '../test/fixtures/runtime-process.ts';
import { percentile, printTable } from './figures.ts';

/**
 * Lists and reads operations when few are stored and when many are, in one run: the ratio should be near 1.
 * `npm run bench:listing -- --few 10 --many 100000`
 */
const { values } = parseArgs({
  options: {
    few: { type: 'string', default: '10' },
    many: { type: 'string', default: '100000' },
    calls: { type: 'string', default: '300' },
  },
});
const CALLS = Number(values.calls);
const TENANT = 'acme';

const CALLS_BY_NAME: Record<string, (operationId: string) => string> = {
  'list, first page of 20': () => '/v1/operations',
  'list, status=failed': () => '/v1/operations?status=failed',
  'list, a status that none has': () => '/v1/operations?status=partial',
  'get one': (operationId) => `/v1/operations/${operationId}`,
  'its events': (operationId) => `/v1/operations/${operationId}/events`,
};

/** Operations that have ended, one in a hundred of them without success. */
const fill = async (client: DynamoDBClient, from: number, to: number): Promise<string> => {
  const store = new DynamoOperationStore({ documents: batchingPuts(client), tableName: LOCAL.tableName });
  let operationId = '';
  for (let at = from; at < to; at += 500) {
    const some = Array.from({ length: Math.min(500, to - at) }, async (_, offset) => {
      operationId = operationIdFor(TENANT, `filled-${at + offset}`);
      const createdAt = new Date(Date.UTC(2026, 0, 1) + (at + offset) * 1_000).toISOString();
      const first = acceptedEvent({ operationId, tenantId: TENANT, createdAt, at: createdAt });
      const started = eventAfter(first, { type: 'started', message: 'Slot taken' }, createdAt) as OperationEvent;
      const error = { code: 'internal', message: 'It broke', retryable: true } as const;
      const last = eventAfter(
        started,
        (at + offset) % 100 === 0
          ? { type: 'failed', message: 'Failed', error }
          : { type: 'succeeded', message: 'Graph active', result: {} },
        createdAt,
      ) as OperationEvent;
      await Promise.all([store.putEvent(first), store.putEvent(last), store.moveProjection(operationAsOf(last))]);
    });
    await Promise.all(some);
  }
  return operationId;
};

/** Takes the puts of a store and writes them 25 at a time; their conditions hold, because nothing is there yet. */
const batchingPuts = (client: DynamoDBClient): DynamoDBDocumentClient => {
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  type Put = { Item: Record<string, unknown>; settle: (written: Promise<unknown>) => void };
  let waiting: Put[] = [];
  const flush = (): void => {
    const puts = waiting;
    waiting = [];
    for (let at = 0; at < puts.length; at += 25) {
      const batch = puts.slice(at, at + 25);
      const RequestItems = { [LOCAL.tableName]: batch.map(({ Item }) => ({ PutRequest: { Item } })) };
      const written = documents.send(new BatchWriteCommand({ RequestItems }));
      for (const { settle } of batch) settle(written);
    }
  };
  const send = ({ input }: PutCommand) =>
    new Promise((settle) => {
      if (waiting.push({ Item: input.Item ?? {}, settle }) === 1) setImmediate(flush);
    });
  return { send } as unknown as DynamoDBDocumentClient;
};

const measure = async ({ url, tokens }: RuntimeProcess, path: string): Promise<number[]> => {
  const headers = { authorization: `Bearer ${tokens.tenant}` };
  const milliseconds: number[] = [];
  for (let call = 0; call < CALLS + 20; call += 1) {
    const startedAt = performance.now();
    const response = await fetch(`${url}${path}`, { headers });
    await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    // The first calls warm the code up.
    if (call >= 20) milliseconds.push(performance.now() - startedAt);
  }
  return milliseconds;
};

const directory = await mkdtemp(join(tmpdir(), 'graphfleet-bench-'));
const runtime = await startRuntimeProcess(directory);
const client = new DynamoDBClient({
  endpoint: runtime.endpoints.dynamodb,
  region: LOCAL.region,
  credentials: LOCAL.credentials,
});
try {
  const figures = new Map<string, number[][]>(Object.keys(CALLS_BY_NAME).map((name) => [name, []]));
  for (const [from, to] of [
    [0, Number(values.few)],
    [Number(values.few), Number(values.many)],
  ] as const) {
    const operationId = await fill(client, from, to);
    for (const [name, path] of Object.entries(CALLS_BY_NAME)) {
      figures.get(name)?.push(await measure(runtime, path(operationId)));
    }
  }
  printTable(
    [...figures].map(([name, [few = [], many = []]]) => ({
      '': name,
      [`${values.few} stored, p50 / p99 ms`]: `${percentile(few, 50).toFixed(1)} / ${percentile(few, 99).toFixed(1)}`,
      [`${values.many} stored, p50 / p99 ms`]: `${percentile(many, 50).toFixed(1)} / ${percentile(many, 99).toFixed(1)}`,
      'ratio of p50': (percentile(many, 50) / percentile(few, 50)).toFixed(2),
    })),
  );
} finally {
  client.destroy();
  await runtime.stop();
  await rm(directory, { recursive: true, force: true });
}
