import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { GraphRequest } from '../graph/graph-request.ts';
import type { OrderStore } from './order.ts';

const NOT_THERE = 'attribute_not_exists(pk)';

/** Orders in the control table. They can be long, so they are not part of the account. */
export class DynamoOrderStore implements OrderStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(tenantId: string, subscriptionId: string, graph: GraphRequest): Promise<void> {
    const Item = { ...keyOf(tenantId, subscriptionId), graph: JSON.stringify(graph) };
    await whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: NOT_THERE }),
      ),
    );
  }

  async get(tenantId: string, subscriptionId: string): Promise<GraphRequest | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({
        TableName: this.#table.tableName,
        Key: keyOf(tenantId, subscriptionId),
        ConsistentRead: true,
      }),
    );
    return Item && (JSON.parse(Item['graph'] as string) as GraphRequest);
  }
}

const keyOf = (tenantId: string, subscriptionId: string) => ({
  pk: `TENANT#${tenantId}`,
  sk: `ORDER#${subscriptionId}`,
});
