import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Reminder, ReminderStore, Sweep } from './reminder.ts';

const AS_IT_WAS_READ = 'revision = :read';
const NOT_THERE = 'attribute_not_exists(pk)';
const DUE = 'SUBSCRIPTION#DUE';
const { byState } = CONTROL_TABLE.indexes;

/** Reminders in the control table; in the index by state they are in the order in which they are due. */
export class DynamoReminderStore implements ReminderStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async get(tenantId: string, subscriptionId: string): Promise<Reminder> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({
        TableName: this.#table.tableName,
        Key: keyOf(tenantId, subscriptionId),
        ConsistentRead: true,
      }),
    );
    return Item === undefined
      ? { tenantId, subscriptionId, dueAt: null, revision: 0, sweep: null }
      : reminderFrom(Item);
  }

  async set(
    { tenantId, subscriptionId, revision }: Reminder,
    dueAt: string | null,
    sweep: Sweep | null = null,
  ): Promise<boolean> {
    const reminder: Reminder = { tenantId, subscriptionId, dueAt, revision: revision + 1, sweep };
    const Item = {
      ...keyOf(tenantId, subscriptionId),
      ...reminder,
      ...(dueAt !== null && {
        [byState.partitionKey]: DUE,
        [byState.sortKey]: `${dueAt}#${tenantId}#${subscriptionId}`,
      }),
    };
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({
          TableName: this.#table.tableName,
          Item,
          ConditionExpression: revision === 0 ? NOT_THERE : AS_IT_WAS_READ,
          ...(revision > 0 && { ExpressionAttributeValues: { ':read': revision } }),
        }),
      ),
    );
  }

  async listDue(at: string, limit: number): Promise<Reminder[]> {
    const { Items = [] } = await this.#table.documents.send(
      new QueryCommand({
        TableName: this.#table.tableName,
        IndexName: byState.name,
        KeyConditionExpression: 'stateKey = :partition AND stateOrder < :at',
        ExpressionAttributeValues: { ':partition': DUE, ':at': at },
        Limit: limit,
      }),
    );
    return Items.map(reminderFrom);
  }
}

const keyOf = (tenantId: string, subscriptionId: string) => ({
  pk: `TENANT#${tenantId}`,
  sk: `REMINDER#${subscriptionId}`,
});

const reminderFrom = (item: Record<string, unknown>): Reminder => {
  const { tenantId, subscriptionId, dueAt, revision, sweep } = item as Reminder;
  return { tenantId, subscriptionId, dueAt, revision, sweep };
};
