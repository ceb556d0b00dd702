import { GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import { DEFAULT_TIERS, type FleetTier, type Tier, type TierStore } from './tier.ts';

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
        // A refresh that follows at once on a new wanted image must see it.
        ConsistentRead: true,
      }),
    );
    const set = new Map(Items.map((item) => [item['tier'] as FleetTier, item]));
    return DEFAULT_TIERS.map((byDefault) => tierOf(byDefault.tier, set.get(byDefault.tier)));
  }

  async get(tier: FleetTier): Promise<Tier> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tier), ConsistentRead: true }),
    );
    return tierOf(tier, Item);
  }

  async put(tier: Tier): Promise<Tier> {
    const fields = Object.entries(tier).filter(([, value]) => value !== undefined);
    const { Attributes } = await this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(tier.tier),
        UpdateExpression: `SET ${fields.map(([name]) => `#${name} = :${name}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(fields.map(([name]) => [`#${name}`, name])),
        ExpressionAttributeValues: Object.fromEntries(fields.map(([name, value]) => [`:${name}`, value])),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return tierOf(tier.tier, Attributes);
  }

  async putFirstImage(tier: FleetTier, image: string): Promise<string> {
    const { Attributes } = await this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(tier),
        UpdateExpression: 'SET image = if_not_exists(image, :image), tier = :tier',
        ExpressionAttributeValues: { ':image': image, ':tier': tier },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return tierOf(tier, Attributes).image ?? image;
  }
}

const keyOf = (tier: FleetTier) => ({ pk: PARTITION, sk: `TIER#${tier}` });

/** A tier as it was set, and by default in what was not. */
const tierOf = (tier: FleetTier, item: Record<string, unknown> = {}): Tier => {
  const { pk: _pk, sk: _sk, ...set } = item;
  return { ...DEFAULT_TIERS.find((byDefault) => byDefault.tier === tier), ...set } as Tier;
};
