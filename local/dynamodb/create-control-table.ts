import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceNotFoundException,
  type TableStatus,
} from '@aws-sdk/client-dynamodb';
import { CONTROL_TABLE } from '../../domain/control-table.ts';

const LOOK_AGAIN_MS = 5;

/** Creates the control table if there is none, and waits until it answers: before that, calls do not find it. */
export const createControlTable = async (client: DynamoDBClient, tableName: string): Promise<void> => {
  let status = await statusOf(client, tableName);
  if (status === undefined) await client.send(new CreateTableCommand(definitionOf(tableName)));
  while (status !== 'ACTIVE') {
    await sleep(LOOK_AGAIN_MS);
    status = await statusOf(client, tableName);
  }
};

const statusOf = async (client: DynamoDBClient, tableName: string): Promise<TableStatus | undefined> => {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    return Table?.TableStatus;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
};

const definitionOf = (tableName: string) => {
  const indexes = Object.values(CONTROL_TABLE.indexes);
  const keyNames = new Set([CONTROL_TABLE, ...indexes].flatMap((keys) => [keys.partitionKey, keys.sortKey]));
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST' as const,
    AttributeDefinitions: [...keyNames].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
    KeySchema: keySchemaOf(CONTROL_TABLE),
    GlobalSecondaryIndexes: indexes.map((index) => ({
      IndexName: index.name,
      KeySchema: keySchemaOf(index),
      Projection: { ProjectionType: 'ALL' as const },
    })),
  };
};

const keySchemaOf = (keys: { partitionKey: string; sortKey: string }): KeySchemaElement[] => [
  { AttributeName: keys.partitionKey, KeyType: 'HASH' },
  { AttributeName: keys.sortKey, KeyType: 'RANGE' },
];
