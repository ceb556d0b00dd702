import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import { DynamoGraphStore } from '../../domain/graph/dynamo-graph-store.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import { DirectoryObjectStore } from '../../domain/snapshot/directory-object-store.ts';
import type { RuntimeFile } from '../fixtures/runtime-process.ts';
import type { Target } from './client.ts';

/** What a runtime on this machine keeps, for tests that look behind the API or make what the API can not make yet. */
export const openStores = ({ dataDirectory }: Target) => {
  if (dataDirectory === undefined) throw new Error('These tests need a runtime on this machine.');
  const { endpoints } = JSON.parse(readFileSync(join(dataDirectory, 'runtime.json'), 'utf8')) as RuntimeFile;
  const client = new DynamoDBClient({
    endpoint: endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const table = { documents: DynamoDBDocumentClient.from(client), tableName: 'graphfleet-control' };
  return {
    operations: new DynamoOperationStore(table),
    graphs: new DynamoGraphStore(table),
    instances: new DynamoInstanceStore(table),
    objects: new DirectoryObjectStore(join(dataDirectory, 'objects')),
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
