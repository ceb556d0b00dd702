import type { InstancePlace, InstanceState } from '../fleet/instance.ts';
import { DrainedByOther, type NewDrain } from './drain.ts';
import type { Attempt, DrainStore, Readiness } from './drain-store.ts';
import { DynamoOccupancies, END, KNOWN, NOT_ENDED, OPEN, STATE, TURN } from './dynamo-occupancies.ts';
import { HoldingEnded, InstanceDraining, isCycledBy, type Occupancy } from './occupancy.ts';

const IDLE = 'busyCount = :zero';
const DRAINED_BY_ME = '#state = :draining AND drain.#owner = :owner';
const CYCLED_BY_ME = '#state = :cycling AND drain.#owner = :owner';
const NOT_MINE = '(attribute_not_exists(drain) OR drain.#owner <> :owner)';
const ANOTHER_TASK = 'taskArn <> drain.taskBefore';
const NOT_TURNED_BACK = 'attribute_not_exists(drain.turnedBackAt)';
const READY = 'image = :image AND heartbeatAt >= :heardSince';
// What a launch gave up is being removed.
const HEARD_OF_IN_QUARANTINE =
  '#state = :quarantined AND quarantineReason <> :launchFailed AND heartbeatAt >= :heardSince';

const CUT_OFF = 'interrupted = leases, leases = :none, busyCount = :zero';
// A new generation begins before its task does, so that the task is born with it, and work handed out before is refused.
const NEXT_GENERATION = 'generation = generation + :one, drain.taskBefore = taskArn';
const OWN = 'drain.#owner = :owner, drain.reason = :reason, drain.since = :since, drain.taskToken = :nobody';
const CYCLE = `${TURN}, ${NEXT_GENERATION}`;

const OWNER = { ...STATE, '#owner': 'owner' };

/** Drains and cycles in the control table, on the items of the instances. */
export class DynamoDrainStore extends DynamoOccupancies implements DrainStore {
  async beginDrain(place: InstancePlace, drain: NewDrain): Promise<Occupancy> {
    const { owner } = drain;
    const begun = await this.turn(place, 'DRAINING', {
      set: `${TURN}, drain = :drain`,
      when: `${OPEN} AND ${NOT_ENDED}`,
      names: { ...STATE, '#holding': owner },
      values: { ':drain': { ...drain, taskToken: null }, ':active': 'ACTIVE' },
    });
    if (begun !== undefined) return begun;
    const instance = await this.read(place.instanceId);
    if (instance.drain?.owner === owner) return instance;
    if (owner in instance.ended) throw new HoldingEnded(owner);
    if (instance.drain !== null) throw new DrainedByOther(instance);
    if (instance.state !== 'ACTIVE') throw new InstanceDraining(instance);
    return this.beginDrain(place, drain);
  }

  async adopt({ instanceId }: InstancePlace, from: string, drain: NewDrain): Promise<Attempt> {
    const take = async (state: InstanceState, set: string, values: Record<string, unknown> = {}) =>
      this.write(instanceId, {
        set: `${OWN}${set}, ended.#from = :since`,
        remove: 'drain.turnedBackAt',
        when: '#state = :state AND drain.#owner = :from',
        names: { ...OWNER, '#from': from },
        values: {
          ':state': state,
          ':from': from,
          ':owner': drain.owner,
          ':reason': drain.reason,
          ':since': drain.since,
          ':nobody': null,
          ...values,
        },
      });
    const taken = (await take('DRAINING', '')) ?? (await take('CYCLING', `, ${NEXT_GENERATION}`, { ':one': 1 }));
    return this.attempt(instanceId, taken, (instance) => instance.drain?.owner === drain.owner);
  }

  async awaitIdle({ instanceId }: InstancePlace, owner: string, taskToken: string): Promise<Attempt> {
    const waiting = await this.write(instanceId, {
      set: 'drain.taskToken = :taskToken',
      when: DRAINED_BY_ME,
      names: OWNER,
      values: { ':taskToken': taskToken, ':owner': owner, ':draining': 'DRAINING' },
    });
    return this.attempt(instanceId, waiting, () => false);
  }

  async claimCycle(place: InstancePlace, owner: string): Promise<Attempt> {
    const claimed = await this.turn(place, 'CYCLING', {
      set: `${CYCLE}, interrupted = :none`,
      when: `${DRAINED_BY_ME} AND ${IDLE}`,
      names: OWNER,
      values: { ':owner': owner, ':draining': 'DRAINING', ':one': 1, ':zero': 0, ':none': {} },
    });
    return this.attempt(place.instanceId, claimed, (instance) => isCycledBy(instance, owner));
  }

  async forceCycle(place: InstancePlace, owner: string, at: string): Promise<Attempt> {
    // While it drains, leases only end: those that are read here are all that can be there when it is forced.
    const { leases } = await this.read(place.instanceId);
    const cutOff = Object.keys(leases);
    const forced = await this.turn(place, 'CYCLING', {
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
    return this.attempt(place.instanceId, forced, (instance) => isCycledBy(instance, owner));
  }

  async awaitTask({ instanceId }: InstancePlace, owner: string, taskToken: string): Promise<Attempt> {
    const waiting = await this.write(instanceId, {
      set: 'drain.taskToken = :taskToken',
      when: CYCLED_BY_ME,
      names: OWNER,
      values: { ':taskToken': taskToken, ':owner': owner, ':cycling': 'CYCLING' },
    });
    return this.attempt(instanceId, waiting, () => false);
  }

  async turnBack({ instanceId }: InstancePlace, owner: string, at: string): Promise<Attempt> {
    const turned = await this.write(instanceId, {
      set: `${NEXT_GENERATION}, drain.turnedBackAt = :at`,
      when: `${CYCLED_BY_ME} AND ${NOT_TURNED_BACK}`,
      names: OWNER,
      values: { ':owner': owner, ':cycling': 'CYCLING', ':one': 1, ':at': at },
    });
    return this.attempt(instanceId, turned, (instance) => isCycledBy(instance, owner));
  }

  async reopen(place: InstancePlace, owner: string, readiness: Readiness, at: string): Promise<Attempt> {
    const reopened = await this.turn(place, 'ACTIVE', {
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
    return this.attempt(place.instanceId, reopened, ({ ended }) => owner in ended);
  }

  async undrain(place: InstancePlace, owner: string, at: string): Promise<Attempt> {
    const opened = await this.turn(place, 'ACTIVE', {
      set: `${TURN}, ${END}`,
      remove: 'drain',
      when: DRAINED_BY_ME,
      names: { ...OWNER, '#holding': owner },
      values: { ':owner': owner, ':draining': 'DRAINING', ':at': at },
    });
    if (opened !== undefined) return { done: true, instance: opened };
    const instance = await this.read(place.instanceId);
    if (owner in instance.ended) return { done: true, instance };
    if (isCycledBy(instance, owner)) return { done: false, instance };
    const barred = await this.write(place.instanceId, {
      set: END,
      when: `${KNOWN} AND ${NOT_MINE}`,
      names: { '#owner': 'owner', '#holding': owner },
      values: { ':owner': owner, ':at': at },
    });
    return barred === undefined ? this.undrain(place, owner, at) : { done: true, instance: barred };
  }

  async quarantine(place: InstancePlace, owner: string, at: string): Promise<Attempt> {
    const quarantined = await this.turn(place, 'QUARANTINED', {
      set: `${TURN}, quarantineReason = :reason, ${END}`,
      remove: 'drain',
      when: CYCLED_BY_ME,
      names: { ...OWNER, '#holding': owner },
      values: { ':cycling': 'CYCLING', ':owner': owner, ':reason': 'cycle_failed', ':at': at },
    });
    return this.attempt(place.instanceId, quarantined, ({ state, ended }) => state === 'QUARANTINED' && owner in ended);
  }

  async recover(place: InstancePlace, heardSince: string): Promise<Attempt> {
    const recovered = await this.turn(place, 'ACTIVE', {
      set: TURN,
      remove: 'quarantineReason',
      when: HEARD_OF_IN_QUARANTINE,
      names: STATE,
      values: { ':quarantined': 'QUARANTINED', ':launchFailed': 'launch_failed', ':heardSince': heardSince },
    });
    return this.attempt(place.instanceId, recovered, ({ state }) => state === 'ACTIVE');
  }
}
