import { DeleteCommand, GetCommand, PutCommand, QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { type CapacityQueue, MOST_COUNTED, type QueuePlace, type WaitingOperation } from './capacity-queue.ts';
import type { FleetTier } from './tier.ts';

const NOT_BY_A_NEWER_ONE = 'attribute_not_exists(enqueuedAt) OR enqueuedAt <= :at';
const STILL_BY_THIS_TOKEN = 'taskToken = :token';

/** The queues in the control table: an item for each operation that waits, in the order of its key. */
export class DynamoCapacityQueue implements CapacityQueue {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(tier: FleetTier, waiting: WaitingOperation): Promise<void> {
    const Item = { ...keyOf(tier, waiting), ...waiting };
    await whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({
          TableName: this.#table.tableName,
          Item,
          ConditionExpression: NOT_BY_A_NEWER_ONE,
          ExpressionAttributeValues: { ':at': waiting.enqueuedAt },
        }),
      ),
    );
  }

  async remove(tier: FleetTier, place: QueuePlace, taskToken?: string): Promise<void> {
    const byToken = taskToken !== undefined && {
      ConditionExpression: STILL_BY_THIS_TOKEN,
      ExpressionAttributeValues: { ':token': taskToken },
    };
    await whenConditionHolds(
      this.#table.documents.send(
        new DeleteCommand({ TableName: this.#table.tableName, Key: keyOf(tier, place), ...byToken }),
      ),
    );
  }

  async list(tier: FleetTier, limit: number, behind?: QueuePlace): Promise<WaitingOperation[]> {
    const start = behind && { ExclusiveStartKey: keyOf(tier, behind) };
    const { Items = [] } = await this.#query(tier, LAST, { Limit: limit, ...start });
    return Items.map(({ pk: _pk, sk: _sk, ...waiting }) => waiting as WaitingOperation);
  }

  async position(tier: FleetTier, place: QueuePlace): Promise<number | undefined> {
    const Key = keyOf(tier, place);
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key, ConsistentRead: true }),
    );
    return Item && this.#count(tier, Key.sk, MOST_COUNTED);
  }

  async count(tier: FleetTier, most: number): Promise<number> {
    return this.#count(tier, LAST, most);
  }

  async #count(tier: FleetTier, upTo: string, most: number): Promise<number> {
    let count = 0;
    let start: QueryCommandInput['ExclusiveStartKey'];
    do {
      const Limit = most - count;
      const page = await this.#query(tier, upTo, {
        Select: 'COUNT',
        Limit,
        ...(start && { ExclusiveStartKey: start }),
      });
      count += page.Count ?? 0;
      start = page.LastEvaluatedKey;
    } while (start !== undefined && count < most);
    return count;
  }

  #query(tier: FleetTier, upTo: string, more: Partial<QueryCommandInput>) {
    return this.#table.documents.send(
      new QueryCommand({
        TableName: this.#table.tableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
        ExpressionAttributeValues: { ':pk': `TIER#${tier}`, ':first': PREFIX, ':last': upTo },
        ConsistentRead: true,
        ...more,
      }),
    );
  }
}

const PREFIX = 'QUEUE#';
/** Behind every place: a key goes on with a time. */
const LAST = `${PREFIX}~`;
const keyOf = (tier: FleetTier, { createdAt, operationId }: QueuePlace) => ({
  pk: `TIER#${tier}`,
  sk: `${PREFIX}${createdAt}#${operationId}`,
});
