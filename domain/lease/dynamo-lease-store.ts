import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import { keyOf, stateKey } from '../fleet/dynamo-instance-store.ts';
import { INSTANCE_STATES, type InstanceState } from '../fleet/instance.ts';
import { FLEET_TIERS } from '../fleet/tier.ts';
import type { Page, PageRequest } from '../page.ts';
import {
  type Drain,
  DrainedByOther,
  HoldingEnded,
  InstanceDraining,
  InstanceFull,
  InstanceGone,
  type Lease,
  LeaseLost,
  MOST_LEASES,
  type Occupancy,
} from './lease.ts';
import type { Attempt, InstancePlace, LeaseStore, Readiness } from './lease-store.ts';

const KNOWN = 'attribute_exists(pk)';
const OPEN = '#state = :active';
const HELD = 'attribute_exists(leases.#lease)';
const NOT_HELD = 'attribute_not_exists(leases.#lease)';
const NOT_ENDED = 'attribute_not_exists(ended.#holding)';
const HAS_ROOM = 'busyCount < :most';
const IDLE = 'busyCount = :zero';
const DRAINED_BY_ME = '#state = :draining AND drain.#owner = :owner';
const CYCLED_BY_ME = '#state = :cycling AND drain.#owner = :owner';
const NOT_MINE = '(attribute_not_exists(drain) OR drain.#owner <> :owner)';
const ANOTHER_TASK = 'taskArn <> drain.taskBefore';
const READY = 'image = :image AND heartbeatAt >= :heardSince';
const HEARD_OF_IN_QUARANTINE = '#state = :quarantined AND heartbeatAt >= :heardSince';

// The set and its size move together: a lease is added only where it is not, and removed only where it is, so the
// number can not drift from the set.
const HOLD = 'leases.#lease = :lease, busyCount = busyCount + :one';
const LET_GO = 'busyCount = busyCount - :one, ended.#holding = :at';
const CUT_OFF = 'interrupted = leases, leases = :none, busyCount = :zero';

const TURN = '#state = :to, stateKey = :stateKey';
// A new generation begins before its task does, so that the task is born with it, and work handed out before is refused.
const CYCLE = `${TURN}, generation = generation + :one, drain.taskBefore = taskArn`;
const END = 'ended.#holding = :at';

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

const STATE = { '#state': 'state' };
const OWNER = { ...STATE, '#owner': 'owner' };

/** Leases and drains in the control table, on the items of the instances. */
export class DynamoLeaseStore implements LeaseStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async acquire(instanceId: string, lease: Lease): Promise<Occupancy> {
    const { leaseId, ...content } = lease;
    const held = await this.#write(instanceId, {
      set: HOLD,
      when: `${OPEN} AND ${NOT_HELD} AND ${NOT_ENDED} AND ${HAS_ROOM}`,
      names: { ...STATE, '#lease': leaseId, '#holding': leaseId },
      values: { ':lease': content, ':one': 1, ':active': 'ACTIVE', ':most': MOST_LEASES },
    });
    if (held !== undefined) return held;
    const instance = await this.#read(instanceId);
    if (leaseId in instance.leases) return instance;
    if (leaseId in instance.ended) throw new HoldingEnded(leaseId);
    if (instance.state !== 'ACTIVE') throw new InstanceDraining(instance);
    if (instance.busyCount >= MOST_LEASES) throw new InstanceFull(instanceId);
    return this.acquire(instanceId, lease);
  }

  async release(instanceId: string, leaseId: string, at: string): Promise<Occupancy | undefined> {
    const released = await this.#write(instanceId, {
      set: LET_GO,
      remove: 'leases.#lease',
      when: HELD,
      names: { '#lease': leaseId, '#holding': leaseId },
      values: { ':one': 1, ':at': at },
    });
    if (released !== undefined) return released;
    const instance = await this.get(instanceId);
    if (instance === undefined || leaseId in instance.ended) return instance;
    const barred = await this.#write(instanceId, {
      set: END,
      when: `${KNOWN} AND ${NOT_HELD}`,
      names: { '#lease': leaseId, '#holding': leaseId },
      values: { ':at': at },
    });
    return barred ?? this.release(instanceId, leaseId, at);
  }

  async confirm(instanceId: string, leaseId: string, generation: number): Promise<Occupancy> {
    const instance = await this.#read(instanceId);
    if (leaseId in instance.leases && instance.generation === generation) return instance;
    throw new LeaseLost(leaseId);
  }

  async beginDrain(place: InstancePlace, drain: Omit<Drain, 'taskToken'>): Promise<Occupancy> {
    const { owner } = drain;
    const begun = await this.#turn(place, 'DRAINING', {
      set: `${TURN}, drain = :drain`,
      when: `${OPEN} AND ${NOT_ENDED}`,
      names: { ...STATE, '#holding': owner },
      values: { ':drain': { ...drain, taskToken: null }, ':active': 'ACTIVE' },
    });
    if (begun !== undefined) return begun;
    const instance = await this.#read(place.instanceId);
    if (instance.drain?.owner === owner) return instance;
    if (owner in instance.ended) throw new HoldingEnded(owner);
    if (instance.drain !== null) throw new DrainedByOther(instance);
    if (instance.state !== 'ACTIVE') throw new InstanceDraining(instance);
    return this.beginDrain(place, drain);
  }

  async awaitIdle({ instanceId }: InstancePlace, owner: string, taskToken: string): Promise<Attempt> {
    const waiting = await this.#write(instanceId, {
      set: 'drain.taskToken = :taskToken',
      when: DRAINED_BY_ME,
      names: OWNER,
      values: { ':taskToken': taskToken, ':owner': owner, ':draining': 'DRAINING' },
    });
    return this.#attempt(instanceId, waiting, () => false);
  }

  async claimCycle(place: InstancePlace, owner: string): Promise<Attempt> {
    const claimed = await this.#turn(place, 'CYCLING', {
      set: `${CYCLE}, interrupted = :none`,
      when: `${DRAINED_BY_ME} AND ${IDLE}`,
      names: OWNER,
      values: { ':owner': owner, ':draining': 'DRAINING', ':one': 1, ':zero': 0, ':none': {} },
    });
    return this.#attempt(place.instanceId, claimed, (instance) => isCycledBy(instance, owner));
  }

  async forceCycle(place: InstancePlace, owner: string, at: string): Promise<Attempt> {
    // While it drains, leases only end: those that are read here are all that can be there when it is forced.
    const { leases } = await this.#read(place.instanceId);
    const cutOff = Object.keys(leases);
    const forced = await this.#turn(place, 'CYCLING', {
      set: [`${CYCLE}, ${CUT_OFF}`, ...cutOff.map((_, each) => `ended.#cut${each} = :at`)].join(', '),
      when: DRAINED_BY_ME,
      names: { ...OWNER, ...Object.fromEntries(cutOff.map((leaseId, each) => [`#cut${each}`, leaseId])) },
      values: {
        ':owner': owner,
        ':draining': 'DRAINING',
        ':one': 1,
        ':zero': 0,
        ':none': {},
        ...(cutOff.length > 0 && { ':at': at }),
      },
    });
    return this.#attempt(place.instanceId, forced, (instance) => isCycledBy(instance, owner));
  }

  async reopen(place: InstancePlace, owner: string, readiness: Readiness, at: string): Promise<Attempt> {
    const reopened = await this.#turn(place, 'ACTIVE', {
      set: `${TURN}, ${END}`,
      remove: 'drain',
      when: `${CYCLED_BY_ME} AND ${ANOTHER_TASK} AND ${READY}`,
      names: { ...OWNER, '#holding': owner },
      values: {
        ':owner': owner,
        ':cycling': 'CYCLING',
        ':image': readiness.image,
        ':heardSince': readiness.heardSince,
        ':at': at,
      },
    });
    return this.#attempt(place.instanceId, reopened, ({ ended }) => owner in ended);
  }

  async undrain(place: InstancePlace, owner: string, at: string): Promise<Attempt> {
    const opened = await this.#turn(place, 'ACTIVE', {
      set: `${TURN}, ${END}`,
      remove: 'drain',
      when: DRAINED_BY_ME,
      names: { ...OWNER, '#holding': owner },
      values: { ':owner': owner, ':draining': 'DRAINING', ':at': at },
    });
    if (opened !== undefined) return { done: true, instance: opened };
    const instance = await this.#read(place.instanceId);
    if (owner in instance.ended) return { done: true, instance };
    if (isCycledBy(instance, owner)) return { done: false, instance };
    const barred = await this.#write(place.instanceId, {
      set: END,
      when: `${KNOWN} AND ${NOT_MINE}`,
      names: { '#owner': 'owner', '#holding': owner },
      values: { ':owner': owner, ':at': at },
    });
    return barred === undefined ? this.undrain(place, owner, at) : { done: true, instance: barred };
  }

  async quarantine(place: InstancePlace, owner: string, at: string): Promise<Attempt> {
    const quarantined = await this.#turn(place, 'QUARANTINED', {
      set: `${TURN}, quarantineReason = :reason, ${END}`,
      remove: 'drain',
      when: CYCLED_BY_ME,
      names: { ...OWNER, '#holding': owner },
      values: { ':cycling': 'CYCLING', ':owner': owner, ':reason': 'cycle_failed', ':at': at },
    });
    return this.#attempt(
      place.instanceId,
      quarantined,
      ({ state, ended }) => state === 'QUARANTINED' && owner in ended,
    );
  }

  async recover(place: InstancePlace, heardSince: string): Promise<Attempt> {
    const recovered = await this.#turn(place, 'ACTIVE', {
      set: TURN,
      remove: 'quarantineReason',
      when: HEARD_OF_IN_QUARANTINE,
      names: STATE,
      values: { ':quarantined': 'QUARANTINED', ':heardSince': heardSince },
    });
    return this.#attempt(place.instanceId, recovered, ({ state }) => state === 'ACTIVE');
  }

  async get(instanceId: string): Promise<Occupancy | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({
        TableName: this.#table.tableName,
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
    return queryPage(this.#table, page, {
      index: CONTROL_TABLE.indexes.byState,
      partition,
      newestFirst: false,
      equal: {},
      attributes: ['instanceId', 'tier'],
      read: (item) => item as InstancePlace,
    });
  }

  async prune(instanceId: string, ended: readonly string[]): Promise<void> {
    if (ended.length === 0) return;
    await this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        UpdateExpression: `REMOVE ${ended.map((_, each) => `ended.#e${each}`).join(', ')}`,
        ConditionExpression: KNOWN,
        ExpressionAttributeNames: Object.fromEntries(ended.map((id, each) => [`#e${each}`, id])),
      }),
    );
  }

  /** A write that failed its condition is done nevertheless when it was done before. */
  async #attempt(
    instanceId: string,
    written: Occupancy | undefined,
    wasDone: (instance: Occupancy) => boolean,
  ): Promise<Attempt> {
    if (written !== undefined) return { done: true, instance: written };
    const instance = await this.#read(instanceId);
    return { done: wasDone(instance), instance };
  }

  async #read(instanceId: string): Promise<Occupancy> {
    const instance = await this.get(instanceId);
    if (instance === undefined) throw new InstanceGone(instanceId);
    return instance;
  }

  /** A write that moves the instance to another state, and in the index. */
  #turn({ instanceId, tier }: InstancePlace, to: InstanceState, write: Write): Promise<Occupancy | undefined> {
    const values = { ...write.values, ':to': to, ':stateKey': stateKey(tier, to) };
    return this.#write(instanceId, { ...write, values });
  }

  async #write(instanceId: string, write: Write): Promise<Occupancy | undefined> {
    const { set, remove, when, names, values } = write;
    try {
      const { Attributes = {} } = await this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(instanceId),
          UpdateExpression: `SET ${set}${remove === undefined ? '' : ` REMOVE ${remove}`}`,
          ConditionExpression: when,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: values,
          ReturnValues: 'ALL_NEW',
        }),
      );
      return occupancyFrom(Attributes);
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }
}

const PARTITIONS = FLEET_TIERS.flatMap((tier) => INSTANCE_STATES.map((state) => stateKey(tier, state)));

const isCycledBy = ({ state, drain }: Occupancy, owner: string) => state === 'CYCLING' && drain?.owner === owner;

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
