import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { GraphQuota } from './graph-quota.ts';

const HAS_ROOM_OR_HOLDS_IT = 'attribute_not_exists(graphs) OR size(graphs) < :max OR contains(graphs, :graph)';

/** The sets of graphs in the control table: one item for each tenant, apart from its account, which is read by every call. */
export class DynamoGraphQuota implements GraphQuota {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async count(tenantId: string): Promise<number> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId) }),
    );
    return (Item?.['graphs'] as Set<string> | undefined)?.size ?? 0;
  }

  async admit(tenantId: string, graphId: string, max: number): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tenantId),
          UpdateExpression: 'ADD graphs :one',
          ConditionExpression: HAS_ROOM_OR_HOLDS_IT,
          ExpressionAttributeValues: { ':one': new Set([graphId]), ':graph': graphId, ':max': max },
        }),
      ),
    );
  }

  async release(tenantId: string, graphId: string): Promise<void> {
    await this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(tenantId),
        UpdateExpression: 'DELETE graphs :one',
        ExpressionAttributeValues: { ':one': new Set([graphId]) },
      }),
    );
  }
}

const keyOf = (tenantId: string) => ({ pk: `TENANT#${tenantId}`, sk: 'GRAPHS' });
