import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';

/** What the items of a graph's tables and files begin with, in the graph's own partition. */
export const TABLE_ITEMS = 'TABLE#';
export const FILE_ITEMS = 'FILE#';
export const PENDING_ITEMS = 'FILES#';

export const partitionOf = (graphId: string): string => `GRAPH#${graphId}`;

/** All items of a graph of one kind; their number is bounded by the schema. */
export const readPrefix = async (
  { documents, tableName }: ControlTableClient,
  graphId: string,
  prefix: string,
): Promise<Record<string, unknown>[]> => {
  const items: Record<string, unknown>[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await documents.send(
      new QueryCommand({
        TableName: tableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': partitionOf(graphId), ':prefix': prefix },
        ConsistentRead: true,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return items;
};
