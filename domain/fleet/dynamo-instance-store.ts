import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Instance, InstanceRegistration, InstanceState, InstanceStore } from './instance.ts';
import type { GraphTier } from './tier.ts';

const REGISTERED_BY_ME = 'taskArn = :taskArn';
const OPEN = '#state = :active';
const HAS_ROOM = 'used < #capacity';
const SLOT_FREE = 'attribute_not_exists(slots.#graph)';
const SLOT_MINE = 'slots.#graph = :operation';

const { byState } = CONTROL_TABLE.indexes;
/** A tier's instances are read as one list to choose from; a tier with more wants an index by free slots. */
const MAX_INSTANCES_OF_A_TIER = 1_000;

/** Everything but the slots and leases, which can be many. */
const SUMMARY = [
  'instanceId',
  'tier',
  'state',
  'generation',
  'endpoint',
  'image',
  'taskArn',
  'capacity',
  'used',
  'heartbeatAt',
] as const satisfies readonly (keyof Instance)[];
const RESERVED_NAMES = { '#state': 'state', '#capacity': 'capacity' };

/** Instances in the control table: one item each, which also holds its slots. */
export class DynamoInstanceStore implements InstanceStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async register(registration: InstanceRegistration, at: string): Promise<Instance> {
    const { instanceId, tier, endpoint, image, taskArn, capacity } = registration;
    const { Attributes } = await this.#update(instanceId, {
      UpdateExpression: `SET instanceId = :id, tier = :tier, endpoint = :endpoint, image = :image, taskArn = :taskArn,
        #capacity = :capacity, heartbeatAt = :at, #state = if_not_exists(#state, :active),
        generation = if_not_exists(generation, :first), slots = if_not_exists(slots, :none), used = if_not_exists(used, :zero),
        stateKey = if_not_exists(stateKey, :activeKey), stateOrder = :id`,
      ExpressionAttributeNames: RESERVED_NAMES,
      ExpressionAttributeValues: {
        ':id': instanceId,
        ':tier': tier,
        ':endpoint': endpoint,
        ':image': image,
        ':taskArn': taskArn,
        ':capacity': capacity,
        ':at': at,
        ':active': 'ACTIVE',
        ':first': 1,
        ':none': {},
        ':zero': 0,
        ':activeKey': stateKey(tier, 'ACTIVE'),
      },
      ReturnValues: 'ALL_NEW',
    });
    return instanceFrom(Attributes ?? {});
  }

  async heartbeat(instanceId: string, taskArn: string, at: string): Promise<boolean> {
    return whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: 'SET heartbeatAt = :at',
        ConditionExpression: REGISTERED_BY_ME,
        ExpressionAttributeValues: { ':at': at, ':taskArn': taskArn },
      }),
    );
  }

  async get(instanceId: string): Promise<Instance | undefined> {
    const item = await this.#read(instanceId, SUMMARY);
    return item && instanceFrom(item);
  }

  async listByTier(tier: GraphTier, state: InstanceState): Promise<Instance[]> {
    const page = { limit: MAX_INSTANCES_OF_A_TIER };
    const { items } = await queryPage(this.#table, page, {
      index: byState,
      partition: stateKey(tier, state),
      newestFirst: false,
      equal: {},
      attributes: SUMMARY,
      read: instanceFrom,
    });
    return items;
  }

  async takeSlot(instanceId: string, graphId: string, operationId: string): Promise<boolean> {
    const taken = await whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: 'SET slots.#graph = :operation, used = used + :one',
        ConditionExpression: `${OPEN} AND ${SLOT_FREE} AND ${HAS_ROOM}`,
        ExpressionAttributeNames: { '#graph': graphId, ...RESERVED_NAMES },
        ExpressionAttributeValues: { ':operation': operationId, ':one': 1, ':active': 'ACTIVE' },
      }),
    );
    return taken || (await this.readSlots(instanceId))[graphId] === operationId;
  }

  async freeSlot(instanceId: string, graphId: string, operationId: string): Promise<void> {
    await whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: 'REMOVE slots.#graph SET used = used - :one',
        ConditionExpression: SLOT_MINE,
        ExpressionAttributeNames: { '#graph': graphId },
        ExpressionAttributeValues: { ':operation': operationId, ':one': 1 },
      }),
    );
  }

  async readSlots(instanceId: string): Promise<Record<string, string>> {
    const item = await this.#read(instanceId, ['slots']);
    return (item?.['slots'] ?? {}) as Record<string, string>;
  }

  async #read(instanceId: string, attributes: readonly string[]) {
    const { Item } = await this.#table.documents.send(
      new GetCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        ConsistentRead: true,
        ProjectionExpression: attributes.map((name) => `#${name}`).join(', '),
        ExpressionAttributeNames: Object.fromEntries(attributes.map((name) => [`#${name}`, name])),
      }),
    );
    return Item;
  }

  #update(instanceId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>) {
    return this.#table.documents.send(
      new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(instanceId), ...update }),
    );
  }
}

const keyOf = (instanceId: string) => ({ pk: `INSTANCE#${instanceId}`, sk: 'META' });
const stateKey = (tier: GraphTier, state: InstanceState) => `INSTANCE#${tier}#${state}`;

const instanceFrom = (item: Record<string, unknown>): Instance => {
  const { instanceId, tier, state, generation, endpoint, image, taskArn, capacity, used, heartbeatAt } =
    item as Instance;
  return { instanceId, tier, state, generation, endpoint, image, taskArn, capacity, used, heartbeatAt };
};
