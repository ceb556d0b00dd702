import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  ConditionalCheckFailedException,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test } from 'vitest';
import { CONTROL_TABLE } from '../../../domain/control-table.ts';
import { createControlTable } from '../../../local/dynamodb/create-control-table.ts';
import { type LevelClass, tameLevel } from '../../../local/dynamodb/dynalite-level.ts';
import { startDynamodb } from '../../../local/dynamodb/start-dynamodb.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const TableName = 'control';
type Dynalite = (options: { path: string; createTableMs: number }) => Server;
const item = { pk: { S: 'OP#1' }, sk: { S: 'META' }, tenantKey: { S: 'TENANT#t#OP' }, createdKey: { S: '1' } };
const Key = { pk: item.pk, sk: item.sk };

const clientOf = (endpoint: string) => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  onTestFinished(() => client.destroy());
  return client;
};

const start = async (directory: string) => {
  const store = await startDynamodb({ directory, tableName: TableName });
  onTestFinished(() => store.close());
  return clientOf(store.endpoint);
};

test('the control table is there with both indexes, paid by request', async () => {
  const client = await start(await temporaryDirectory());

  const { Table } = await client.send(new DescribeTableCommand({ TableName }));

  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE',
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
    KeySchema: [
      { AttributeName: CONTROL_TABLE.partitionKey, KeyType: 'HASH' },
      { AttributeName: CONTROL_TABLE.sortKey, KeyType: 'RANGE' },
    ],
  });
  expect(Table?.GlobalSecondaryIndexes).toHaveLength(2);
  for (const index of Table?.GlobalSecondaryIndexes ?? []) expect(index.Projection).toEqual({ ProjectionType: 'ALL' });
});

test('items are written under conditions and found by an index', async () => {
  const client = await start(await temporaryDirectory());
  const put = new PutItemCommand({ TableName, Item: item, ConditionExpression: 'attribute_not_exists(pk)' });
  const { partitionKey, name } = CONTROL_TABLE.indexes.byTenant;

  await client.send(put);
  await expect(client.send(put)).rejects.toThrow(ConditionalCheckFailedException);
  const { Items } = await client.send(
    new QueryCommand({
      TableName,
      IndexName: name,
      KeyConditionExpression: `${partitionKey} = :tenant`,
      ExpressionAttributeValues: { ':tenant': item.tenantKey },
    }),
  );

  expect(Items).toEqual([item]);
});

test('what was written before a kill -9 of the runtime is there after it, and its process has let go', async () => {
  const directory = await temporaryDirectory();
  const runtime = fork(new URL('./fixtures/dynamodb-parent.ts', import.meta.url), [directory]);
  const [{ endpoint }] = (await once(runtime, 'message')) as [{ endpoint: string }];
  await clientOf(endpoint).send(new PutItemCommand({ TableName, Item: item }));

  runtime.kill('SIGKILL');
  await once(runtime, 'exit');
  const client = await start(directory);

  await expect(client.send(new GetItemCommand({ TableName, Key }))).resolves.toMatchObject({ Item: item });
});

test('a client that is cut off in the middle of a request does no harm to the others', async () => {
  const store = await startDynamodb({ directory: await temporaryDirectory(), tableName: TableName });
  onTestFinished(() => store.close());
  const socket = connect(Number(new URL(store.endpoint).port), '127.0.0.1');
  await once(socket, 'connect');

  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"half":');
  socket.resetAndDestroy();
  await once(socket, 'close');

  const { Table } = await clientOf(store.endpoint).send(new DescribeTableCommand({ TableName }));
  expect(Table?.TableStatus).toBe('ACTIVE');
});

test.each([1, undefined])('a query for %s items closes what it has opened in the database', async (Limit) => {
  const require = createRequire(import.meta.url);
  const dynalitePath = require.resolve('dynalite');
  tameLevel(dynalitePath);
  const open = new Set<object>();
  const modules: { Level: LevelClass } = createRequire(dynalitePath)('level');
  modules.Level = class extends modules.Level {
    override values(options: object) {
      const iterator = super.values(options);
      const close = iterator.close.bind(iterator);
      open.add(iterator);
      return Object.assign(iterator, {
        close: () => {
          open.delete(iterator);
          return close();
        },
      });
    }
  };
  delete require.cache[require.resolve('dynalite/db')];
  delete require.cache[dynalitePath];
  const server = (require('dynalite') as Dynalite)({
    path: join(await temporaryDirectory(), 'data'),
    createTableMs: 0,
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  });
  const client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await createControlTable(client, TableName);
  for (let at = 0; at < 40; at += 1) {
    await client.send(new PutItemCommand({ TableName, Item: { pk: item.pk, sk: { S: `EVT#${at}` } } }));
  }

  const ofOne = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': item.pk } };
  const { Count } = await client.send(new QueryCommand({ TableName, ...ofOne, ...(Limit && { Limit }) }));

  expect(Count).toBe(Limit ?? 40);
  await expect.poll(() => open.size, { timeout: 20_000 }).toBe(0);
});

test('two runtimes can not use one database', async () => {
  const directory = await temporaryDirectory();
  await start(directory);

  await expect(startDynamodb({ directory, tableName: TableName, lockWaitMs: 0 })).rejects.toThrow('another runtime');
});
