import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { InstanceRefreshResult } from './refresh.ts';
import type { RefreshPlan } from './refresh-plan.ts';
import type { RefreshPlanStore } from './refresh-plan-store.ts';
import type { Walk } from './refresh-walk.ts';

const IS_NEW = 'attribute_not_exists(pk)';
const IS_THE_ONE_READ = '#version = :version';

/** Plans in the control table, beside the logs of their operations. */
export class DynamoRefreshPlanStore implements RefreshPlanStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async create(operationId: string, plan: RefreshPlan): Promise<void> {
    const Item = { ...keyOf(operationId, 'PLAN'), plan };
    await whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: IS_NEW }),
      ),
    );
  }

  async get(operationId: string): Promise<RefreshPlan | undefined> {
    return (await this.#read(operationId, 'PLAN'))?.['plan'] as RefreshPlan | undefined;
  }

  async getWalk(operationId: string): Promise<Walk | undefined> {
    const item = await this.#read(operationId, 'WALK');
    if (item === undefined) return undefined;
    const { version, steps, end } = item as unknown as Walk;
    return { version, steps, end };
  }

  async moveWalk(operationId: string, walk: Walk): Promise<boolean> {
    const Item = { ...keyOf(operationId, 'WALK'), ...walk, version: walk.version + 1 };
    const condition =
      walk.version === 0
        ? { ConditionExpression: IS_NEW }
        : {
            ConditionExpression: IS_THE_ONE_READ,
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': walk.version },
          };
    return whenConditionHolds(
      this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item, ...condition })),
    );
  }

  async putResult(operationId: string, place: number, result: InstanceRefreshResult): Promise<void> {
    const Item = { ...keyOf(operationId, resultKey(place)), place, result };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }

  async results(operationId: string, from: number, to: number): Promise<Map<number, InstanceRefreshResult>> {
    const found = new Map<number, InstanceRefreshResult>();
    let start: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await this.#table.documents.send(
        new QueryCommand({
          TableName: this.#table.tableName,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: {
            ':pk': keyOf(operationId, '').pk,
            ':from': resultKey(from),
            ':to': resultKey(to - 1),
          },
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      for (const item of Items) found.set(item['place'] as number, item['result'] as InstanceRefreshResult);
      start = LastEvaluatedKey;
    } while (start !== undefined);
    return found;
  }

  async #read(operationId: string, sk: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(operationId, sk), ConsistentRead: true }),
    );
    return Item;
  }
}

const keyOf = (operationId: string, sk: string) => ({ pk: `OP#${operationId}`, sk });
const resultKey = (place: number): string => `RESULT#${String(place).padStart(6, '0')}`;
