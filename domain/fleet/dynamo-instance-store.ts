import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import {
  INSTANCE_STATES,
  type Instance,
  type InstanceRegistration,
  type InstanceState,
  type InstanceStore,
} from './instance.ts';
import type { FleetTier } from './tier.ts';

const REGISTERED_BY_ME = 'taskArn = :taskArn';
const OPEN = '#state = :active';
const NOT_HEARD_OF_SINCE = 'heartbeatAt = :heartbeat';
const SILENT = '#state = :quarantined AND quarantineReason = :silent';
const COMES_BACK = `#state = :launching OR (${SILENT})`;
/** A task that was started for an earlier generation comes late. */
const NOT_LATER = '(attribute_not_exists(generation) OR generation <= :generation)';
const STAYS_AS_IT_IS = `attribute_not_exists(#state) OR NOT (${COMES_BACK})`;
const NOT_SILENT = `NOT (${SILENT})`;
/** State and index key move in the same write. */
const OPEN_IT = '#state = :active, stateKey = :activeKey';
const WORDS = { ':launching': 'LAUNCHING', ':quarantined': 'QUARANTINED', ':silent': 'silent' };
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
  'busyCount',
  'drain',
  'launch',
  'quarantineReason',
] as const satisfies readonly (keyof Instance)[];
const STATE = { '#state': 'state' };
const RESERVED_NAMES = { ...STATE, '#capacity': 'capacity' };

/** Instances in the control table: one item each, which also holds its slots. */
export class DynamoInstanceStore implements InstanceStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async register(registration: InstanceRegistration, at: string): Promise<Instance | undefined> {
    const { instanceId, tier, endpoint, image, taskArn, capacity, generation } = registration;
    const claim = {
      UpdateExpression: `SET instanceId = :id, tier = :tier, endpoint = :endpoint, image = :image, taskArn = :taskArn,
        #capacity = :capacity, heartbeatAt = :at, generation = :generation, stateOrder = :id,
        slots = if_not_exists(slots, :none), used = if_not_exists(used, :zero),
        leases = if_not_exists(leases, :none), busyCount = if_not_exists(busyCount, :zero),
        ended = if_not_exists(ended, :none)`,
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
        ':generation': generation,
        ':none': {},
        ':zero': 0,
        ':activeKey': stateKey(tier, 'ACTIVE'),
        ...WORDS,
      },
    };
    const asItIs = `${claim.UpdateExpression}, #state = if_not_exists(#state, :active), stateKey = if_not_exists(stateKey, :activeKey)`;
    const comesBack = `${claim.UpdateExpression}, ${OPEN_IT} REMOVE quarantineReason`;
    const put = async (UpdateExpression: string, ConditionExpression: string): Promise<Instance | undefined> => {
      const update = { ...claim, UpdateExpression, ConditionExpression, ReturnValues: 'ALL_NEW' } as const;
      let registered: Instance | undefined;
      const write = this.#update(instanceId, update).then(({ Attributes }) => {
        registered = instanceFrom(Attributes ?? {});
      });
      await whenConditionHolds(write);
      return registered;
    };
    for (;;) {
      const registered =
        (await put(asItIs, `${NOT_LATER} AND (${STAYS_AS_IT_IS})`)) ??
        (await put(comesBack, `${NOT_LATER} AND (${COMES_BACK})`));
      if (registered !== undefined) return registered;
      if (((await this.get(instanceId))?.generation ?? 0) > generation) return undefined;
    }
  }

  async heartbeat(instanceId: string, taskArn: string, at: string): Promise<boolean> {
    const values = { ':at': at, ':taskArn': taskArn };
    const heard = await whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: 'SET heartbeatAt = :at',
        ConditionExpression: `${REGISTERED_BY_ME} AND ${NOT_SILENT}`,
        ExpressionAttributeNames: STATE,
        ExpressionAttributeValues: { ...values, ':quarantined': WORDS[':quarantined'], ':silent': WORDS[':silent'] },
      }),
    );
    if (heard) return true;
    const instance = await this.get(instanceId);
    if (instance?.taskArn !== taskArn) return false;
    const backAgain = await whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: `SET heartbeatAt = :at, ${OPEN_IT} REMOVE quarantineReason`,
        ConditionExpression: `${REGISTERED_BY_ME} AND ${SILENT}`,
        ExpressionAttributeNames: STATE,
        ExpressionAttributeValues: {
          ...values,
          ':active': 'ACTIVE',
          ':activeKey': stateKey(instance.tier, 'ACTIVE'),
          ':quarantined': WORDS[':quarantined'],
          ':silent': WORDS[':silent'],
        },
      }),
    );
    return backAgain || this.heartbeat(instanceId, taskArn, at);
  }

  async quarantineSilent({ instanceId, tier, heartbeatAt }: Instance): Promise<boolean> {
    return whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: 'SET #state = :quarantined, stateKey = :key, quarantineReason = :silent',
        ConditionExpression: `${OPEN} AND ${NOT_HEARD_OF_SINCE}`,
        ExpressionAttributeNames: STATE,
        ExpressionAttributeValues: {
          ':quarantined': WORDS[':quarantined'],
          ':silent': WORDS[':silent'],
          ':active': 'ACTIVE',
          ':heartbeat': heartbeatAt,
          ':key': stateKey(tier, 'QUARANTINED'),
        },
      }),
    );
  }

  async get(instanceId: string): Promise<Instance | undefined> {
    const item = await this.#read(instanceId, SUMMARY);
    return item && instanceFrom(item);
  }

  async listByTier(tier: FleetTier, state: InstanceState): Promise<Instance[]> {
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

  async listAll(tier: FleetTier): Promise<Instance[]> {
    return (await Promise.all(INSTANCE_STATES.map((state) => this.listByTier(tier, state)))).flat();
  }

  async takeSlot(instanceId: string, graphId: string, operationId: string): Promise<boolean> {
    const taken = await whenConditionHolds(
      this.#update(instanceId, {
        UpdateExpression: 'SET slots.#graph = :operation, used = used + :one REMOVE emptySince',
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

/** The place of an instance's item, which several adapters write to. */
export const keyOf = (instanceId: string) => ({ pk: `INSTANCE#${instanceId}`, sk: 'META' });
export const stateKey = (tier: FleetTier, state: InstanceState) => `INSTANCE#${tier}#${state}`;

const instanceFrom = (item: Record<string, unknown>): Instance => {
  const { instanceId, tier, state, generation, endpoint, image, taskArn, capacity, used, heartbeatAt } =
    item as Instance;
  const { launch = null, quarantineReason = null, busyCount = 0, drain = null } = item as Partial<Instance>;
  const known = { instanceId, tier, state, generation, endpoint, image, taskArn, capacity, used, heartbeatAt };
  return { ...known, busyCount, drain, launch, quarantineReason };
};
