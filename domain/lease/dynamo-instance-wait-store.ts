import { DeleteCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import type { InstanceWait, InstanceWaitStore } from './instance-waits.ts';

const STILL_BY_THIS_TOKEN = 'taskToken = :token';
const PREFIX = 'WAIT#';
const WAITING = 'INSTANCE#WAITING';

/** Those that wait for instances, in the control table: items beside the instances' own. */
export class DynamoInstanceWaitStore implements InstanceWaitStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(wait: InstanceWait): Promise<void> {
    const index = { stateKey: WAITING, stateOrder: `${wait.since}#${wait.operationId}` };
    const Item = { ...keyOf(wait.instanceId, wait.operationId), ...wait, ...index };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }

  async remove(instanceId: string, operationId: string, taskToken?: string): Promise<void> {
    const byToken = taskToken !== undefined && {
      ConditionExpression: STILL_BY_THIS_TOKEN,
      ExpressionAttributeValues: { ':token': taskToken },
    };
    const Key = keyOf(instanceId, operationId);
    await whenConditionHolds(
      this.#table.documents.send(new DeleteCommand({ TableName: this.#table.tableName, Key, ...byToken })),
    );
  }

  async list(instanceId: string, limit: number): Promise<InstanceWait[]> {
    const { Items = [] } = await this.#table.documents.send(
      new QueryCommand({
        TableName: this.#table.tableName,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': `INSTANCE#${instanceId}`, ':prefix': PREFIX },
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return Items.map(waitFrom).sort((one, other) => (one.since < other.since ? -1 : 1));
  }

  async listAll(page: PageRequest): Promise<Page<InstanceWait>> {
    return queryPage(this.#table, page, {
      index: CONTROL_TABLE.indexes.byState,
      partition: WAITING,
      newestFirst: false,
      equal: {},
      attributes: ['instanceId', 'operationId', 'taskToken', 'since'],
      read: waitFrom,
    });
  }
}

const keyOf = (instanceId: string, operationId: string) => ({
  pk: `INSTANCE#${instanceId}`,
  sk: `${PREFIX}${operationId}`,
});

const waitFrom = (item: Record<string, unknown>): InstanceWait => {
  const { instanceId, operationId, taskToken, since } = item as InstanceWait;
  return { instanceId, operationId, taskToken, since };
};
