import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import type { ObjectStore } from '../../../domain/snapshot/object-store.ts';
import { S3ObjectStore } from '../../../domain/snapshot/s3-object-store.ts';
import { temporaryDirectory } from './temporary-directory.ts';

// Whether there is a recording, each module of the runtime asks when it is loaded.
const directory = await mkdtemp(join(tmpdir(), 'graphfleet-recording-'));
afterAll(() => rm(directory, { recursive: true, force: true }));
process.env['GRAPHFLEET_RECORD'] = directory;
const { startDynamodb } = await import('../../../local/dynamodb/start-dynamodb.ts');
const { startLambda } = await import('../../../local/lambda/start-lambda.ts');
const { actingAs } = await import('../../../local/recording/caller.ts');
const { callsOfObject } = await import('../../../local/recording/object-calls.ts');
const { readRecording } = await import('../../../local/recording/recorded-call.ts');

const TableName = 'control';
const key = (pk: string, sk = 'META') => ({ pk: { S: pk }, sk: { S: sk } });

const startFunctions = async (handlers: Record<string, () => Promise<unknown>>) => {
  const names = Object.keys(handlers);
  return startLambda({
    functions: Object.fromEntries(
      names.map((name) => [name, { folder: 'api', environment: z.object({}), timeoutSeconds: 5 }]),
    ),
    environments: {},
    common: {},
    region: 'us-east-1',
    accountId: '000000000000',
    load: async (_folder, name) => ({ handler: handlers[name] }),
  });
};

test('each call is recorded as the function’s that made it, though they share a client, with the kind of item and what it takes', async () => {
  const store = await startDynamodb({ directory: await temporaryDirectory(), tableName: TableName });
  onTestFinished(() => store.close());
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: store.endpoint, region: 'us-east-1', credentials });
  onTestFinished(() => client.destroy());
  const stale = { stateKey: { S: 'GRAPH#STALE' }, stateOrder: { S: '1' } };
  const lambda = await startFunctions({
    writer: async () => {
      const Item = { ...key('GRAPH#kg1'), ...stale, text: { S: 'x'.repeat(1500) } };
      await client.send(new PutItemCommand({ TableName, Item }));
      const again = new PutItemCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' });
      await expect(client.send(again)).rejects.toThrow();
    },
    reader: async () => {
      const find = { KeyConditionExpression: '#p = :p', ExpressionAttributeNames: { '#p': 'stateKey' } };
      const values = { ExpressionAttributeValues: { ':p': { S: 'GRAPH#STALE' } } };
      const found = await client.send(new QueryCommand({ TableName, IndexName: 'by-state', ...find, ...values }));
      expect(found.ConsumedCapacity).toBeUndefined();
      await client.send(new GetItemCommand({ TableName, Key: key('TENANT#acme'), ConsistentRead: true }));
    },
    mover: async () => {
      const change = { UpdateExpression: 'SET stateOrder = :o', ExpressionAttributeValues: { ':o': { S: '2' } } };
      await client.send(new UpdateItemCommand({ TableName, Key: key('GRAPH#kg1'), ...change }));
    },
  });

  await actingAs('service/apigateway', () => lambda.invoke('writer', {}));
  await Promise.all([lambda.invoke('reader', {}), actingAs('machine/m', () => lambda.invoke('mover', {}))]);
  await client.send(new GetItemCommand({ TableName, Key: key('OP#op_1') })); // nobody's
  await store.close();
  await expect
    .poll(() => readRecording(directory).filter(({ action }) => action.startsWith('lambda:')), { timeout: 20_000 })
    .toHaveLength(2);

  const recorded = readRecording(directory);
  expect(
    recorded.map(({ milliseconds: _, ...call }) => call).sort((left, right) => (left.action < right.action ? -1 : 1)),
  ).toEqual([
    {
      role: 'function/reader',
      action: 'dynamodb:GetItem',
      resource: 'table',
      key: 'TENANT#*',
      calls: 1,
      refused: 0,
      units: 1,
    },
    // 1.5 KB: two units of the table and two of the one index that it is in; what is refused takes one at least.
    {
      role: 'function/writer',
      action: 'dynamodb:PutItem',
      resource: 'table',
      key: 'GRAPH#*',
      calls: 2,
      refused: 1,
      units: 5,
    },
    {
      role: 'function/reader',
      action: 'dynamodb:Query',
      resource: 'table/index/by-state',
      key: 'GRAPH#STALE',
      calls: 1,
      refused: 0,
      units: 0.5,
    },
    // In the index it is taken from one place and put to another.
    {
      role: 'function/mover',
      action: 'dynamodb:UpdateItem',
      resource: 'table',
      key: 'GRAPH#*',
      calls: 1,
      refused: 0,
      units: 6,
    },
    {
      role: 'service/apigateway',
      action: 'lambda:InvokeFunction',
      resource: 'function/writer',
      calls: 1,
      refused: 0,
      units: 0,
    },
    { role: 'machine/m', action: 'lambda:InvokeFunction', resource: 'function/mover', calls: 1, refused: 0, units: 0 },
  ]);
  expect(recorded.find(({ resource }) => resource === 'function/writer')?.milliseconds).toBeGreaterThan(0);
});

type S3Request = { method: string; path: string; list: boolean; copySource: string | undefined };

/** The actions that S3 asks IAM about for a request, by the Service Authorization Reference. */
const actionsOf = ({ method, path, list, copySource }: S3Request): string[] => {
  const on = (text: string) => `bucket/${text.replace('/bucket/', '').split('/')[0]}/*`;
  if (list) return ['s3:ListBucket bucket'];
  if (copySource !== undefined) return [`s3:GetObject ${on(`/${copySource}`)}`, `s3:PutObject ${on(path)}`];
  const action = { GET: 'GetObject', HEAD: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject' }[method];
  return [`s3:${action} ${on(path)}`];
};

test('what is recorded of objects in a directory is what S3 would be asked for them', async () => {
  const seen: S3Request[] = [];
  const note = (method = '', url = '/', copySource?: string) => {
    const { pathname, searchParams } = new URL(url, 'http://s3');
    seen.push({ method, path: pathname, list: searchParams.has('list-type'), copySource });
  };
  const server = createServer((request, response) => {
    note(request.method, request.url, request.headers['x-amz-copy-source']?.toString());
    request
      .resume()
      .on('end', () =>
        response.end(request.method === 'HEAD' ? undefined : '<a><ChecksumSHA256>AA==</ChecksumSHA256></a>'),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = new S3ObjectStore('bucket', {
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  });
  const file = join(await temporaryDirectory(), 'file');
  await writeFile(file, 'rows');
  const terms = { key: 'uploads/kg1/f', bytes: 4, checksum: null, fileName: 'f', expiresInSeconds: 60 };
  const uses: { [Method in keyof ObjectStore]: () => Promise<unknown> } = {
    upload: () => store.upload('graphs/kg1/a', file),
    download: () => store.download('backups/kg1/a', file),
    copy: () => store.copy('graphs/kg1/a', 'backups/kg1/a'),
    head: () => store.head('uploads/kg1/a'),
    signUpload: async () => note('PUT', (await store.signUpload(terms)).url),
    signDownload: async () => note('GET', (await store.signDownload({ ...terms, key: 'backups/kg1/f' })).url),
    list: () => store.list('graphs/kg1/'),
    remove: () => store.remove('graphs/kg1/a'),
  };
  const calls = {
    upload: { key: 'graphs/kg1/a' },
    download: { key: 'backups/kg1/a' },
    copy: { key: 'backups/kg1/a', from: 'graphs/kg1/a' },
    head: { key: 'uploads/kg1/a' },
    signUpload: { key: 'uploads/kg1/f' },
    signDownload: { key: 'backups/kg1/f' },
    list: { key: 'graphs/kg1/' },
    remove: { key: 'graphs/kg1/a' },
  };
  for (const method of Object.keys(uses) as (keyof ObjectStore)[]) {
    seen.length = 0;
    await uses[method]();
    const recorded = callsOfObject({ method, ...calls[method] }).map(({ action, resource }) => `${action} ${resource}`);
    // Of an object that is not there, S3 tells those only who may list.
    const asked = ['download', 'copy', 'head'].includes(method) ? ['s3:ListBucket bucket'] : [];
    const made = [...new Set([...seen.flatMap(actionsOf), ...asked])];
    expect({ method, asks: recorded.sort() }).toEqual({ method, asks: made.sort() });
  }
});
