import { GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, outputWhenConditionHolds } from '../aws/control-table-client.ts';
import { invalidRequest } from '../failure.ts';
import { DEFAULT_TIERS, type FleetTier, type Tier, type TierChange, type TierStore } from './tier.ts';

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

  async put({ tier, ...change }: TierChange): Promise<Tier> {
    const set = Object.fromEntries(Object.entries({ ...change, tier }).filter(([, value]) => value !== undefined));
    const names = Object.keys(set);
    const condition = inOrder(tier, set);
    const written = await outputWhenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tier),
          UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
          ...(condition !== undefined && { ConditionExpression: condition }),
          ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
          ExpressionAttributeValues: Object.fromEntries(names.map((name) => [`:${name}`, set[name]])),
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );
    if (written !== undefined) return tierOf(tier, written.Attributes);
    throw invalidRequest([
      'minInstances' in set
        ? { path: 'minInstances', message: 'is more than maxInstances' }
        : { path: 'maxInstances', message: 'is less than minInstances' },
    ]);
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

/** Of a minimum or a maximum that is set alone: that it suits the other, as that one is at the moment of the write. */
const inOrder = (tier: FleetTier, set: Partial<Tier>): string | undefined => {
  if ('minInstances' in set === 'maxInstances' in set) return undefined;
  const [other, suits] =
    'minInstances' in set
      ? ['maxInstances', 'maxInstances >= :minInstances']
      : ['minInstances', 'minInstances <= :maxInstances'];
  const { minInstances, maxInstances } = tierOf(tier, set);
  return minInstances <= maxInstances ? `attribute_not_exists(${other}) OR ${suits}` : suits;
};

/** A tier as it was set, and by default in what was not. */
const tierOf = (tier: FleetTier, item: Record<string, unknown> = {}): Tier => {
  const { pk: _pk, sk: _sk, ...set } = item;
  return { ...DEFAULT_TIERS.find((byDefault) => byDefault.tier === tier), ...set } as Tier;
};
