import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { FleetTier } from '../fleet/tier.ts';
import type { RefreshLockStore } from './refresh-lock.ts';

const MINE = '#owner = :owner';
const FREE_OR_MINE = `attribute_not_exists(pk) OR ${MINE}`;
const OF_THE_ONE_BEFORE = '#owner = :before';
const NAMES = { '#owner': 'owner' };

/** The locks of refreshes in the control table, each beside its tier. */
export class DynamoRefreshLockStore implements RefreshLockStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async take(tier: FleetTier, operationId: string, at: string, after?: string): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({
          TableName: this.#table.tableName,
          Item: { ...keyOf(tier), owner: operationId, at },
          ConditionExpression: after === undefined ? FREE_OR_MINE : OF_THE_ONE_BEFORE,
          ExpressionAttributeNames: NAMES,
          ExpressionAttributeValues: after === undefined ? { ':owner': operationId } : { ':before': after },
        }),
      ),
    );
  }

  async free(tier: FleetTier, operationId: string): Promise<void> {
    await whenConditionHolds(
      this.#table.documents.send(
        new DeleteCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tier),
          ConditionExpression: MINE,
          ExpressionAttributeNames: NAMES,
          ExpressionAttributeValues: { ':owner': operationId },
        }),
      ),
    );
  }

  async holder(tier: FleetTier): Promise<string | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tier), ConsistentRead: true }),
    );
    return Item?.['owner'] as string | undefined;
  }
}

const keyOf = (tier: FleetTier) => ({ pk: `TIER#${tier}`, sk: 'REFRESH' });
