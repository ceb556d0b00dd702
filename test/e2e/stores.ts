import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../domain/graph/dynamo-graph-store.ts';
import { DynamoLeaseStore } from '../../domain/lease/dynamo-lease-store.ts';
import { Leases } from '../../domain/lease/leases.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import { StepFunctionsWaitingTasks } from '../../domain/operation/step-functions-waiting-tasks.ts';
import { DirectoryObjectStore } from '../../domain/snapshot/directory-object-store.ts';
import type { ObjectStore } from '../../domain/snapshot/object-store.ts';
import { S3ObjectStore } from '../../domain/snapshot/s3-object-store.ts';
import { DynamoTableStore } from '../../domain/table/dynamo-table-store.ts';
import type { RuntimeFile } from '../fixtures/runtime-process.ts';
import type { Target } from './target.ts';

/** What a runtime or a deployment on this machine keeps, for tests that look behind the API or make what the API can not make yet. */
export const openStores = (target: Target) => {
  const runtime = describedBy(target);
  const { dataDirectory, endpoints, tableName = 'graphfleet-control' } = runtime;
  const client = new DynamoDBClient({
    endpoint: endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const table = { documents: DynamoDBDocumentClient.from(client), tableName };
  const objects = objectStore(dataDirectory, runtime);
  const leases = new DynamoLeaseStore(table);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const tasks = new StepFunctionsWaitingTasks(
    new SFNClient({ endpoint: endpoints.stepfunctions, region: 'us-east-1', credentials }),
  );
  return {
    table,
    operations: new DynamoOperationStore(table),
    graphs: new DynamoGraphStore(table),
    instances: new DynamoInstanceStore(table),
    tables: new DynamoTableStore(table),
    leases,
    /** Ends a lease as its operation does: whoever waits for the instance is woken. */
    releaseLease: (instanceId: string, leaseId: string) => new Leases(leases, tasks).release(instanceId, leaseId),
    objects,
    /** Puts other bytes where an object is. */
    async spoil(key: string): Promise<void> {
      const directory = await mkdtemp(join(tmpdir(), 'graphfleet-spoilt-'));
      const file = join(directory, 'object');
      await writeFile(file, 'This is not what was kept.');
      await objects.upload(key, file);
      await rm(directory, { recursive: true });
    },
    /** Sets one attribute of an item, whatever it was. */
    async set(pk: string, attribute: string, value: unknown): Promise<void> {
      await table.documents.send(
        new UpdateCommand({
          TableName: table.tableName,
          Key: { pk, sk: 'META' },
          UpdateExpression: 'SET #a = :v',
          ExpressionAttributeNames: { '#a': attribute },
          ExpressionAttributeValues: { ':v': value },
        }),
      );
    },
  };
};

/** What a runtime or a deployment says of itself. */
export const describedBy = ({ dataDirectory }: Target): RuntimeFile & { dataDirectory: string } => {
  if (dataDirectory === undefined) throw new Error('These tests need a runtime on this machine.');
  const described = JSON.parse(readFileSync(join(dataDirectory, 'runtime.json'), 'utf8')) as RuntimeFile;
  return { ...described, dataDirectory };
};

const objectStore = (directory: string, { endpoints, objectStoreUrl }: RuntimeFile): ObjectStore => {
  if (objectStoreUrl === undefined || endpoints.s3 === undefined) {
    return new DirectoryObjectStore(join(directory, 'objects'));
  }
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new S3ObjectStore(new URL(objectStoreUrl).host, { endpoint: endpoints.s3, region: 'us-east-1', credentials });
};
