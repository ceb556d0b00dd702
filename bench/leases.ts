import { parseArgs } from 'node:util';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../domain/aws/control-table-client.ts';
import { keyOf } from '../domain/fleet/dynamo-instance-store.ts';
import { DynamoLeaseStore } from '../domain/lease/dynamo-lease-store.ts';
import { Leases } from '../domain/lease/leases.ts';
import { startControlTable } from '../test/fixtures/control-table.ts';
import { registerInstance } from '../test/integration/lease/instances.ts';
import { percentile, printTable } from './figures.ts';

/**
 * Clients that acquire and release leases, all on one instance and on many, beside a bare conditional update of the same
 * store in the same run, on items that hold as much. They take turns, so that all see the same machine: the ratio should
 * be 0.8 or more. A bare update of an empty item shows what the size of the item costs.
 * `npm run bench:leases -- --clients 32 --seconds 4 --rounds 5`
 */
const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    instances: { type: 'string', default: '64' },
  },
});
const CLIENTS = Number(values.clients);
/** As many as an instance has on average: 64 are kept, and those beyond go 32 at a time. */
const TOMBSTONES = 80;

type Figures = { milliseconds: number[]; writes: number; seconds: number };
/** Two writes of one client, one after the other. */
type Pair = (
  client: number,
  turn: number,
  instanceId: string,
) => Promise<[() => Promise<unknown>, () => Promise<unknown>]>;

/** Leases of operations that nobody else has. */
const leasing = (table: ControlTableClient): Pair => {
  const leases = new Leases(new DynamoLeaseStore(table), { succeed: async () => {} });
  return async (client, turn, instanceId) => {
    const operationId = `op_${String(turn).padStart(22, '0')}${String(client).padStart(4, '0')}`;
    return [
      () => leases.acquire(instanceId, operationId, 'materialization'),
      () => leases.release(instanceId, `${operationId}.1`),
    ];
  };
};

/** The least that a count could cost: adds one if the gate is open, and takes it away again. */
const counting = ({ documents, tableName }: ControlTableClient): Pair => {
  const add = (instanceId: string, by: number) => () =>
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(instanceId),
        UpdateExpression: 'SET busyCount = busyCount + :by',
        ConditionExpression: '#state = :active',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':by': by, ':active': 'ACTIVE' },
        ReturnValues: 'ALL_NEW',
      }),
    );
  return async (_client, _turn, instanceId) => [add(instanceId, 1), add(instanceId, -1)];
};

/** An instance in the middle of its day: so many leases, and the tombstones of those before. */
const registerBusy = async (table: ControlTableClient, instanceId: string, leases: number): Promise<void> => {
  await registerInstance(table, { instanceId });
  const now = new Date().toISOString();
  const named = (count: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`op_${String(at).padStart(26, '0')}.1`, value]));
  await table.documents.send(
    new UpdateCommand({
      TableName: table.tableName,
      Key: keyOf(instanceId),
      UpdateExpression: 'SET leases = :leases, busyCount = :count, ended = :ended',
      ExpressionAttributeValues: {
        ':leases': named(leases, { kind: 'materialization', acquiredAt: now }),
        ':count': leases,
        ':ended': named(TOMBSTONES, now),
      },
    }),
  );
};

let turn = 0;
const run = async (pair: Pair, instances: readonly string[], figures: Figures): Promise<void> => {
  const began = performance.now();
  const until = began + Number(values.seconds) * 1_000;
  const client = async (number: number): Promise<void> => {
    for (let at = number; performance.now() < until; at += 1) {
      turn += 1;
      for (const write of await pair(number, turn, instances[at % instances.length] as string)) {
        const sent = performance.now();
        await write();
        figures.milliseconds.push(performance.now() - sent);
        figures.writes += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  figures.seconds += (performance.now() - began) / 1_000;
};

const { table, close } = await startControlTable();
try {
  const instances = async (kind: string, count: number, leases: number): Promise<string[]> => {
    const names = Array.from({ length: count }, (_, at) => `inst-${kind}-${at + 1}`);
    for (const instanceId of names) await registerBusy(table, instanceId, leases);
    return names;
  };
  const many = Number(values.instances);
  const empty = [(await registerInstance(table, { instanceId: 'inst-empty' })).instanceId];
  const each = Math.ceil(CLIENTS / many);
  const cases = [
    { name: 'bare update, 1 empty item', pair: counting(table), instances: empty, beside: null },
    {
      name: 'bare update, 1 item',
      pair: counting(table),
      instances: await instances('bare', 1, CLIENTS),
      beside: null,
    },
    { name: 'lease, 1 instance', pair: leasing(table), instances: await instances('one', 1, 0), beside: 1 },
    {
      name: `bare update, ${many} items`,
      pair: counting(table),
      instances: await instances('bares', many, each),
      beside: null,
    },
    { name: `lease, ${many} instances`, pair: leasing(table), instances: await instances('many', many, 0), beside: 3 },
  ].map((one) => ({ ...one, figures: { milliseconds: [], writes: 0, seconds: 0 } as Figures }));
  // The first round warms the code up.
  for (const { pair, instances } of cases) await run(pair, instances, { milliseconds: [], writes: 0, seconds: 0 });
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const { pair, instances, figures } of cases) await run(pair, instances, figures);
  }
  const rate = ({ writes, seconds }: Figures) => writes / seconds;
  printTable(
    cases.map(({ name, figures, beside }) => ({
      [`${CLIENTS} clients`]: name,
      'writes/s': rate(figures).toFixed(0),
      'p50 ms': percentile(figures.milliseconds, 50).toFixed(1),
      'p99 ms': percentile(figures.milliseconds, 99).toFixed(1),
      'of bare':
        beside === null ? '' : (rate(figures) / rate((cases[beside] as (typeof cases)[number]).figures)).toFixed(2),
    })),
  );
} finally {
  await close();
}
