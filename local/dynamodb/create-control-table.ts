import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type KeySchemaElement,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { CONTROL_TABLE } from '../../domain/control-table.ts';

/** Creates the control table if there is none. */
export const createControlTable = async (client: DynamoDBClient, tableName: string): Promise<void> => {
  try {
    await client.send(new DescribeTableCommand({ TableName: tableName }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    await client.send(new CreateTableCommand(definitionOf(tableName)));
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
