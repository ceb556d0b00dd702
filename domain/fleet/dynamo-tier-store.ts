import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import { DEFAULT_TIERS, type Tier, type TierStore } from './tier.ts';

const PARTITION = 'TIERS';

/** The tiers, together in one partition of the control table: they are few and always read together. */
export class DynamoTierStore implements TierStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async list(): Promise<Tier[]> {
    const { Items = [] } = await this.#table.documents.send(
      new QueryCommand({
        TableName: this.#table.tableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': PARTITION },
      }),
    );
    const set = new Map(Items.map(({ pk: _pk, sk: _sk, ...tier }) => [tier['tier'], tier as Tier]));
    return DEFAULT_TIERS.map((byDefault) => set.get(byDefault.tier) ?? byDefault);
  }

  async put(tier: Tier): Promise<void> {
    const Item = { pk: PARTITION, sk: `TIER#${tier.tier}`, ...tier };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }
}
