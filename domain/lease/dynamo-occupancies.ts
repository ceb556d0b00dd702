import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, outputWhenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import { keyOf, stateKey } from '../fleet/dynamo-instance-store.ts';
import { INSTANCE_STATES, type InstancePlace, type InstanceState } from '../fleet/instance.ts';
import { FLEET_TIERS } from '../fleet/tier.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Attempt } from './drain-store.ts';
import { InstanceGone, type Occupancy } from './occupancy.ts';

export const KNOWN = 'attribute_exists(pk)';
export const OPEN = '#state = :active';
export const NOT_ENDED = 'attribute_not_exists(ended.#holding)';
/** The tombstone of a lease or a drain. */
export const END = 'ended.#holding = :at';
export const STATE = { '#state': 'state' };
/** What moves an instance to another state sets; its values are those of {@link DynamoOccupancies.turn}. */
export const TURN = '#state = :to, stateKey = :stateKey';

const OCCUPANCY = [
  'instanceId',
  'tier',
  'state',
  'generation',
  'endpoint',
  'image',
  'taskArn',
  'heartbeatAt',
  'leases',
  'busyCount',
  'ended',
  'drain',
  'interrupted',
] as const satisfies readonly (keyof Occupancy)[];

type Write = {
  set: string;
  remove?: string;
  when: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
};

/** What instances hold, in the control table: each adapter writes its part of their items. */
export class DynamoOccupancies {
  protected readonly table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.table = table;
  }

  async get(instanceId: string): Promise<Occupancy | undefined> {
    const { Item } = await this.table.documents.send(
      new GetCommand({
        TableName: this.table.tableName,
        Key: keyOf(instanceId),
        ConsistentRead: true,
        ProjectionExpression: OCCUPANCY.map((name) => `#${name}`).join(', '),
        ExpressionAttributeNames: Object.fromEntries(OCCUPANCY.map((name) => [`#${name}`, name])),
      }),
    );
    return Item && occupancyFrom(Item);
  }

  async list({ limit, cursor }: PageRequest): Promise<Page<InstancePlace>> {
    const [part = '0', within] = cursor?.split('/', 2) ?? [];
    const places: InstancePlace[] = [];
    let start = within;
    for (let at = Number(part); at < PARTITIONS.length; at += 1) {
      const page = await this.#listPart(PARTITIONS[at] ?? '', { limit: limit - places.length, cursor: start });
      places.push(...page.items);
      if (page.cursor !== null) return { items: places, cursor: `${at}/${page.cursor}` };
      if (places.length >= limit && at + 1 < PARTITIONS.length) return { items: places, cursor: String(at + 1) };
      start = undefined;
    }
    return { items: places, cursor: null };
  }

  #listPart(partition: string, page: PageRequest): Promise<Page<InstancePlace>> {
    return queryPage(this.table, page, {
      index: CONTROL_TABLE.indexes.byState,
      partition,
      newestFirst: false,
      equal: {},
      attributes: ['instanceId', 'tier'],
      read: (item) => item as InstancePlace,
    });
  }

  /** A write that failed its condition is done nevertheless when it was done before. */
  protected async attempt(
    instanceId: string,
    written: Occupancy | undefined,
    wasDone: (instance: Occupancy) => boolean,
  ): Promise<Attempt> {
    if (written !== undefined) return { done: true, instance: written };
    const instance = await this.read(instanceId);
    return { done: wasDone(instance), instance };
  }

  protected async read(instanceId: string): Promise<Occupancy> {
    const instance = await this.get(instanceId);
    if (instance === undefined) throw new InstanceGone(instanceId);
    return instance;
  }

  /** A write that moves the instance to another state, and in the index. */
  protected turn({ instanceId, tier }: InstancePlace, to: InstanceState, write: Write): Promise<Occupancy | undefined> {
    const values = { ...write.values, ':to': to, ':stateKey': stateKey(tier, to) };
    return this.write(instanceId, { ...write, values });
  }

  protected async write(instanceId: string, write: Write): Promise<Occupancy | undefined> {
    const { set, remove, when, names, values } = write;
    const written = await outputWhenConditionHolds(
      this.table.documents.send(
        new UpdateCommand({
          TableName: this.table.tableName,
          Key: keyOf(instanceId),
          UpdateExpression: `SET ${set}${remove === undefined ? '' : ` REMOVE ${remove}`}`,
          ConditionExpression: when,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: values,
          ReturnValues: 'ALL_NEW',
        }),
      ),
    );
    return written && occupancyFrom(written.Attributes ?? {});
  }
}

const PARTITIONS = FLEET_TIERS.flatMap((tier) => INSTANCE_STATES.map((state) => stateKey(tier, state)));

const occupancyFrom = (item: Record<string, unknown>): Occupancy => {
  const { instanceId, tier, state, generation, endpoint, image, taskArn, heartbeatAt } = item as Occupancy;
  const { leases = {}, busyCount = 0, ended = {}, drain = null, interrupted = {} } = item as Partial<Occupancy>;
  return {
    instanceId,
    tier,
    state,
    generation,
    endpoint,
    image,
    taskArn,
    heartbeatAt,
    leases,
    busyCount,
    ended,
    drain,
    interrupted,
  };
};
