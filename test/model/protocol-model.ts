import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import type { ControlTableClient } from '../../domain/aws/control-table-client.ts';
import { DynamoInstanceStore } from '../../domain/fleet/dynamo-instance-store.ts';
import type { Attempt } from '../../domain/lease/drain-store.ts';
import { DynamoLeaseStore } from '../../domain/lease/dynamo-lease-store.ts';
import { leaseIdFor, operationIdOfLease } from '../../domain/lease/lease.ts';
import { LeaseReaper } from '../../domain/lease/lease-reaper.ts';
import type { LeaseStore } from '../../domain/lease/lease-store.ts';
import { Leases } from '../../domain/lease/leases.ts';
import type { Occupancy } from '../../domain/lease/occupancy.ts';
import { DynamoOperationStore } from '../../domain/operation/dynamo-operation-store.ts';
import { isTerminal } from '../../domain/operation/operation.ts';
import { eventAfter } from '../../domain/operation/operation-automaton.ts';
import type { EventDraft, OperationEvent } from '../../domain/operation/operation-event.ts';
import { OperationLog } from '../../domain/operation/operation-log.ts';
import { acceptedEvent } from '../fixtures/operations.ts';
import {
  type Actor,
  type Answer,
  type Call,
  END,
  type Model,
  type Move,
  type Next,
  type Shared,
  type Stage,
  type View,
  type Whereabouts,
} from './explorer.ts';
import { type Partition, partitionKeyOf, perform as performOnTable, type TableInput } from './table-in-memory.ts';

const INSTANCE = { instanceId: 'inst-1', tier: 'standard' } as const;
const INSTANCE_PART = `INSTANCE#${INSTANCE.instanceId}`;
const WOKEN = 'woken tasks';
const ECS = 'ecs';
const NOW = '2026-01-01T12:00:00.000Z';
const IMAGE = 'sha256:new';

/** The tasks of workflows that were woken. */
type Woken = Readonly<Record<string, true>>;
/** The task that runs, named by the generation that it was started for. */
type Service = { generation: number };
const taskArnOf = ({ generation }: Service) => `task-${generation}`;

/** What the explorer keeps in mind: which holdings were seen to end, and which leases a forced cycle cut off. */
type Memory = { ended: readonly string[]; cutOff: readonly string[] };

export type ProtocolOptions = {
  operations: number;
  refreshes: number;
  /** How many times the reaper comes by while the others are at work; once more when they are done. */
  reaperTurns: number;
  faults: number;
  /** What a refresh may do when it waits: give up its drain, or force its cycle. */
  onDeadline: readonly ('undrain' | 'force')[];
  /** Whether a refresh may give its cycle up at any time, and turn it back. */
  turnsBack?: boolean;
  /** Whether a refresh that waits also looks by itself, or relies on being woken. */
  looksAgain: boolean;
  /** See {@link Model.interruptions}. */
  interruptions?: number;
  /** A fault that is planted in the code under test. */
  planted?: PlantedFault;
};

/** A change of the code under test: of the commands as they are sent, or of the code around them. */
export type PlantedFault = {
  input?(input: TableInput): TableInput;
  confirm?: (store: LeaseStore, ...work: Parameters<LeaseStore['confirm']>) => Promise<unknown>;
  reap?: (leases: Leases, instanceId: string, leaseId: string) => Promise<boolean>;
  beginDrain?: (store: LeaseStore, ...drain: Parameters<LeaseStore['beginDrain']>) => Promise<Occupancy>;
};

/** The real code, on what is shared. */
const codeOn = (shared: Shared, planted: PlantedFault) => {
  const send = async (command: { constructor: { name: string }; input: TableInput }) => {
    const input = planted.input?.(command.input) ?? command.input;
    const answer = await shared.call({ part: partitionKeyOf(input), action: command.constructor.name, input });
    if ('output' in answer) return answer.output;
    throw new ConditionalCheckFailedException({ message: answer.error, $metadata: {} });
  };
  const table = { tableName: 'control-table', documents: { send } } as unknown as ControlTableClient;
  const now = () => new Date(NOW);
  const store = new DynamoLeaseStore(table);
  const log = new OperationLog(new DynamoOperationStore(table), { now });
  const succeed = async (taskToken: string) =>
    void (await shared.call({ part: WOKEN, action: 'wake', input: taskToken }));
  const leases = new Leases(store, { succeed }, now);
  return { store, leases, log, reaper: new LeaseReaper(store, leases, log), instances: new DynamoInstanceStore(table) };
};

/** Performs a call on the part that it is about. */
const perform = (content: unknown, { part, action, input }: Call): { content: unknown; answer: Answer } => {
  if (part === WOKEN) return { content: { ...(content as Woken), [input as string]: true }, answer: { output: {} } };
  if (part === ECS) {
    // As UpdateService with a task definition that names the generation: what is there, or was before, changes nothing.
    const service = content as Service;
    if (input === null) return { content, answer: { output: service } };
    const asked = { generation: input as number };
    return { content: asked.generation > service.generation ? asked : service, answer: { output: {} } };
  }
  const { partition, answer } = performOnTable(content as Partition, action, input as TableInput);
  return { content: partition, answer };
};

/** An operation as its workflow runs it: hold the instance, work on it, let it go, say that it is done. */
const operation = (name: string, startsAfter: string | undefined, planted: PlantedFault): Actor => {
  const leaseId = leaseIdFor(name);
  const on = (shared: Shared) => codeOn(shared, planted);
  const endsAs = (type: 'succeeded' | 'failed') => (_: unknown, shared: Shared) =>
    on(shared)
      .log.append(name, endingAs(type))
      .then(() => null);
  const undo: Next = { stage: 'undo' };
  const acquire: Stage = {
    run: async (_, shared) =>
      (await on(shared).leases.acquire(INSTANCE.instanceId, name, 'materialization')).generation,
    leadsTo: (outcome) => {
      if ('returned' in outcome) return { stage: 'work', variables: { generation: outcome.returned } };
      return outcome.threw === 'InstanceDraining' ? { stage: 'acquireWhenOpen' } : undo;
    },
    givenUp: [{ stage: 'acquire' }, undo, { stage: 'failed' }],
  };
  return {
    name,
    ...(startsAfter !== undefined && { startsAfter }),
    start: { stage: 'acquire', variables: { first: true } },
    stages: {
      acquire,
      acquireWhenOpen: {
        ...acquire,
        when: (view) => occupancyIn(view).state === 'ACTIVE' || leaseId in occupancyIn(view).leases,
      },
      // The instance asks before it does anything for the operation.
      work: {
        run: async ({ generation }, shared) => {
          const { store } = on(shared);
          const work = [INSTANCE.instanceId, leaseId, generation as number] as const;
          await (planted.confirm?.(store, ...work) ?? store.confirm(...work));
        },
        leadsTo: (outcome) => ('returned' in outcome ? { stage: 'release' } : undo),
        // `failed` without an undo: the reaper is all that is left.
        givenUp: [undo, { stage: 'failed' }],
      },
      release: {
        run: (_, shared) => on(shared).leases.release(INSTANCE.instanceId, leaseId),
        leadsTo: () => ({ stage: 'succeeded' }),
        givenUp: [{ stage: 'release' }, { stage: 'failed' }],
      },
      undo: {
        run: (_, shared) => on(shared).leases.release(INSTANCE.instanceId, leaseId),
        leadsTo: () => ({ stage: 'failed' }),
      },
      succeeded: {
        run: endsAs('succeeded'),
        leadsTo: () => ({ stage: END }),
        givenUp: [{ stage: 'succeeded' }, { stage: 'failed' }],
      },
      failed: { run: endsAs('failed'), leadsTo: () => ({ stage: END }) },
    },
  };
};

const endingAs = (type: 'succeeded' | 'failed'): EventDraft =>
  type === 'succeeded'
    ? { type, message: 'Done', result: {} }
    : { type, message: 'Failed', error: { code: 'internal', message: 'It broke', retryable: true } };

/** A refresh of the instance: close the gate, wait for the last lease, claim the cycle, replace the task, open again. */
const refresh = (
  name: string,
  startsAfter: string | undefined,
  options: ProtocolOptions,
  planted: PlantedFault,
): Actor => {
  const owner = leaseIdFor(name);
  const storeOn = (shared: Shared) => codeOn(shared, planted).store;
  const undrain: Next = { stage: 'undrain' };
  const wait: readonly Next[] = [{ stage: 'claimWhenIdle' }, ...options.onDeadline.map((stage) => ({ stage }))];
  const cycleOr =
    (otherwise: (instance: Occupancy) => Next | readonly Next[]): Stage['leadsTo'] =>
    (outcome) => {
      if ('threw' in outcome) return undrain;
      const { done, instance } = outcome.returned as Attempt;
      return done ? { stage: 'cycle', variables: { generation: instance.generation } } : otherwise(instance);
    };
  const beginDrain: Stage = {
    run: (_, shared) => {
      const drain = { owner, reason: 'refresh', since: NOW };
      return planted.beginDrain?.(storeOn(shared), INSTANCE, drain) ?? storeOn(shared).beginDrain(INSTANCE, drain);
    },
    leadsTo: (outcome) => {
      if ('returned' in outcome) {
        const { busyCount, state } = outcome.returned as Occupancy;
        return { stage: busyCount === 0 || state === 'CYCLING' ? 'claim' : 'awaitIdle' };
      }
      return outcome.threw === 'HoldingEnded' ? undrain : [{ stage: 'beginDrainWhenOpen' }, undrain];
    },
    givenUp: [{ stage: 'beginDrain' }, undrain],
  };
  const claim: Stage = {
    run: (_, shared) => storeOn(shared).claimCycle(INSTANCE, owner),
    leadsTo: cycleOr(({ state, drain }) => (state === 'DRAINING' && drain?.owner === owner ? wait : undrain)),
    givenUp: [{ stage: 'claim' }, undrain],
  };
  // One that is turned back already is turned back once: the second time changes nothing.
  const orTurnBack = (next: Next): readonly Next[] => [next, ...(options.turnsBack ? [{ stage: 'turnBack' }] : [])];
  const reopen: Stage = {
    run: (_, shared) => storeOn(shared).reopen(INSTANCE, owner, { image: IMAGE, heardSince: NOW }, NOW),
    leadsTo: (outcome) =>
      'returned' in outcome && (outcome.returned as Attempt).done
        ? { stage: END }
        : orTurnBack({ stage: 'reopenWhenRegistered' }),
    givenUp: [{ stage: 'reopen' }, ...(options.turnsBack ? [{ stage: 'turnBack' }] : [])],
  };
  return {
    name,
    ...(startsAfter !== undefined && { startsAfter }),
    start: { stage: 'beginDrain', variables: { first: true } },
    stages: {
      beginDrain,
      beginDrainWhenOpen: {
        ...beginDrain,
        when: (view) => occupancyIn(view).state === 'ACTIVE' || occupancyIn(view).drain?.owner === owner,
      },
      awaitIdle: {
        run: (_, shared) => storeOn(shared).awaitIdle(INSTANCE, owner, name),
        leadsTo: (outcome) => {
          if ('threw' in outcome) return undrain;
          const { done, instance } = outcome.returned as Attempt;
          return done && instance.busyCount > 0 ? wait : { stage: 'claim' };
        },
        givenUp: [{ stage: 'awaitIdle' }, undrain],
      },
      claim,
      claimWhenIdle: {
        ...claim,
        when: (view) =>
          name in (view.part(WOKEN) as Woken) || (options.looksAgain && occupancyIn(view).busyCount === 0),
      },
      force: {
        run: (_, shared) => storeOn(shared).forceCycle(INSTANCE, owner, NOW),
        leadsTo: cycleOr(() => undrain),
      },
      undrain: {
        run: (_, shared) => storeOn(shared).undrain(INSTANCE, owner, NOW),
        leadsTo: (outcome) => {
          if ('threw' in outcome) return { stage: END };
          const { done, instance } = outcome.returned as Attempt;
          return done ? { stage: END } : { stage: 'cycle', variables: { generation: instance.generation } };
        },
      },
      cycle: {
        run: ({ generation }, shared) => shared.call({ part: ECS, action: 'replacing the task', input: generation }),
        leadsTo: () => orTurnBack({ stage: 'reopen' }),
      },
      turnBack: {
        run: (_, shared) => storeOn(shared).turnBack(INSTANCE, owner, NOW),
        leadsTo: (outcome) => {
          if ('threw' in outcome) return { stage: END };
          const { done, instance } = outcome.returned as Attempt;
          return done ? { stage: 'cycle', variables: { generation: instance.generation } } : { stage: END };
        },
      },
      reopen,
      reopenWhenRegistered: { ...reopen, when: isRegistered },
    },
  };
};

/** The task that ECS runs, which registers; and again, when an older one did so after it, and it was told and restarted. */
const task = (planted: PlantedFault): Actor => ({
  name: 'task',
  serves: true,
  start: { stage: 'register' },
  stages: {
    register: {
      when: (view) => !isRegistered(view),
      run: async (_, shared) => {
        const answer = await shared.call({ part: ECS, action: 'naming the task', input: null });
        const service = 'output' in answer ? (answer.output as Service) : { generation: 0 };
        await codeOn(shared, planted).instances.register(registrationOf(service), NOW);
      },
      leadsTo: () => ({ stage: 'register' }),
    },
  },
});

const isRegistered = (view: View) => occupancyIn(view).taskArn === taskArnOf(view.part(ECS) as Service);

const registrationOf = (service: Service) => ({
  ...INSTANCE,
  endpoint: 'http://instance',
  image: IMAGE,
  taskArn: taskArnOf(service),
  generation: service.generation,
  capacity: 10,
});

/** Stages in which an actor waits for what others do. */
const WAITING = ['acquireWhenOpen', 'beginDrainWhenOpen', 'claimWhenIdle', 'reopenWhenRegistered', END];

/**
 * The reaper comes by so many times at any time, and later whenever nobody else can go on; it looks at the leases in any
 * order.
 */
const reaper = (turns: number, planted: PlantedFault, others: readonly Actor[]): Actor => {
  const anyOf = (left: number, leases: readonly string[]): readonly Next[] => {
    if (leases.length > 0) return leases.map((leaseId) => ({ stage: 'reap', variables: { left, leaseId, leases } }));
    return [left > 0 ? { stage: 'turn', variables: { left } } : { stage: 'turnAtRest' }];
  };
  const turn: Stage = {
    run: (_, shared) => codeOn(shared, planted).reaper.leasesOn(INSTANCE.instanceId),
    leadsTo: (outcome, { left = 1 }) =>
      anyOf((left as number) - 1, 'returned' in outcome ? (outcome.returned as string[]) : []),
  };
  return {
    name: 'reaper',
    serves: true,
    start: turns > 0 ? { stage: 'turn', variables: { left: turns } } : { stage: 'turnAtRest' },
    stages: {
      turn,
      turnAtRest: {
        ...turn,
        when: (view) =>
          others.every(({ name }) => WAITING.includes(view.stageOf(name))) && occupancyIn(view).busyCount > 0,
      },
      reap: {
        run: ({ leaseId }, shared) => {
          const code = codeOn(shared, planted);
          const which = [INSTANCE.instanceId, leaseId as string] as const;
          return planted.reap?.(code.leases, ...which) ?? code.reaper.reapIfOver(...which);
        },
        leadsTo: (_, { left, leaseId, leases }) =>
          anyOf(
            left as number,
            (leases as string[]).filter((other) => other !== leaseId),
          ),
      },
    },
  };
};

const itemOf = (content: unknown): Occupancy & { stateKey: string } =>
  (content as Partition)['META'] as unknown as Occupancy & { stateKey: string };
const occupancyIn = (view: View) => itemOf(view.part(INSTANCE_PART));

/** The protocol with so many operations and refreshes on one instance, which is active and idle at first. */
export const protocolModel = (options: ProtocolOptions): Model => {
  const planted = options.planted ?? {};
  const names = numbered(options.operations, 'op_');
  const operations = names.map((name, at) => operation(name, names[at - 1], planted));
  const refreshNames = numbered(options.refreshes, 'op_r');
  const refreshes = refreshNames.map((name, at) => refresh(name, refreshNames[at - 1], options, planted));
  const workers = [...operations, ...refreshes];
  return {
    parts: {
      [INSTANCE_PART]: { META: instanceAtFirst() },
      [WOKEN]: {} satisfies Woken,
      [ECS]: { generation: 1 } satisfies Service,
      ...Object.fromEntries(names.map((name) => [logPart(name), logAtFirst(name)])),
    },
    perform,
    actors: [...workers, task(planted), reaper(options.reaperTurns, planted, workers)],
    faults: options.faults,
    interruptions: options.interruptions,
    mayTouch,
    memory: { ended: [], cutOff: [] } satisfies Memory,
    remember: (memory, move) => remembered(memory as Memory, move),
    violation: (move, memory, view) => violationOf(move, memory as Memory, view, names),
    violationAtEnd: (view) => violationAtEnd(view, names),
  };
};

const numbered = (count: number, name: string) => Array.from({ length: count }, (_, at) => `${name}${at + 1}`);
const logPart = (name: string) => `OP#${name}`;

/** An operation's log is its own, unless the reaper has seen its lease, or still can. All else is everybody's. */
const mayTouch = (part: string, { actor, variables }: Whereabouts, view: View): boolean => {
  if (!part.startsWith('OP#') || part === logPart(actor)) return true;
  if (actor !== 'reaper') return false;
  const leaseId = leaseIdFor(part.slice('OP#'.length));
  return leaseId in occupancyIn(view).leases || ((variables['leases'] ?? []) as string[]).includes(leaseId);
};

const instanceAtFirst = () => ({
  pk: INSTANCE_PART,
  sk: 'META',
  ...registrationOf({ generation: 1 }),
  state: 'ACTIVE',
  heartbeatAt: NOW,
  stateKey: `INSTANCE#${INSTANCE.tier}#ACTIVE`,
  stateOrder: INSTANCE.instanceId,
  slots: {},
  used: 0,
  leases: {},
  busyCount: 0,
  ended: {},
});

/** A log of two events, as the real automaton writes them. */
const logAtFirst = (name: string): Partition => {
  const accepted = acceptedEvent({
    operationId: name,
    kind: 'graph.materialize',
    graphId: 'kg1',
    request: null,
    at: NOW,
    createdAt: NOW,
  });
  const started = eventAfter(accepted, { type: 'started', message: 'Started' }, NOW) as OperationEvent;
  return { 'EVT#00000002': { pk: `OP#${name}`, sk: 'EVT#00000002', ...started } };
};

const isForced = (before: Occupancy, after: Occupancy) =>
  before.state === 'DRAINING' && after.state === 'CYCLING' && Object.keys(before.leases).length > 0;

const remembered = (memory: Memory, { call, before, after }: Move): Memory => {
  if (call.part !== INSTANCE_PART) return memory;
  const [was, is] = [itemOf(before), itemOf(after)];
  const held = Object.keys(was.leases);
  const gone = [...held.filter((lease) => !(lease in is.leases)), ...(was.drain && !is.drain ? [was.drain.owner] : [])];
  return {
    ended: union(memory.ended, gone),
    cutOff: isForced(was, is) ? union(memory.cutOff, held) : memory.cutOff,
  };
};
const union = (some: readonly string[], more: readonly string[]) => [...new Set([...some, ...more])].sort();

/** The invariants of the protocol, as what is wrong with a move. */
const violationOf = (move: Move, memory: Memory, view: View, operations: readonly string[]): string | undefined => {
  const { actor, stage, call, before, after, outcome } = move;
  if (outcome !== undefined && 'returned' in outcome) {
    if (stage === 'work' && memory.cutOff.includes(leaseIdFor(actor)))
      return `${actor} was cut off by force, and acted.`;
    if (stage === 'reap') return violationOfReaper(move, outcome.returned === true, view);
  }
  if (before === after) return undefined;
  if (call.part === ECS) {
    const cut = operations.filter((name) => view.stageOf(name) === 'work' && !memory.cutOff.includes(leaseIdFor(name)));
    return cut.length > 0 ? `The instance is cycled while ${cut.join(', ')} is at work.` : undefined;
  }
  if (call.part === INSTANCE_PART) return violationOfInstance(itemOf(before), itemOf(after), memory);
  return call.part.startsWith('OP#') ? violationOfLog(move) : undefined;
};

/** The reaper has ended the lease, or the operation is not over. */
const violationOfReaper = ({ variables, call, after }: Move, reaped: boolean, view: View): string | undefined => {
  const leaseId = String(variables['leaseId']);
  const { leases } = call.part === INSTANCE_PART ? itemOf(after) : occupancyIn(view);
  const isLeft = reaped ? leaseId in leases : isOver(view, operationIdOfLease(leaseId));
  return isLeft ? `The reaper left ${leaseId}.` : undefined;
};

/** A function of an object that is asked for the same ones again and again. */
function onceEach<Given extends object, Value>(judge: (given: Given) => Value): (given: Given) => Value {
  const known = new WeakMap<Given, { value: Value }>();
  return (given) => {
    const judged = known.get(given) ?? { value: judge(given) };
    known.set(given, judged);
    return judged.value;
  };
}

const violationOfInstance = (before: Occupancy, after: Occupancy & { stateKey: string }, { ended }: Memory) => {
  const leases = Object.keys(after.leases);
  if (after.busyCount !== leases.length)
    return `busyCount is ${after.busyCount}, and ${leases.length} leases are held.`;
  if (after.generation < before.generation) return 'The generation fell.';
  if (after.stateKey !== `INSTANCE#${INSTANCE.tier}#${after.state}`) return 'The index says another state.';
  if (after.state === 'CYCLING' && leases.length > 0) return `Cycled with ${leases.join(', ')} held.`;
  if (after.state === 'CYCLING' && before.state !== 'CYCLING' && after.generation === before.generation) {
    return 'A cycle began without a new generation.';
  }
  const back = [
    ...leases.filter((lease) => !(lease in before.leases)),
    ...(before.drain || !after.drain ? [] : [after.drain.owner]),
  ].filter((holding) => ended.includes(holding));
  return back.length > 0 ? `${back.join(', ')} had ended and came back.` : undefined;
};

const violationOfLog = onceEach(({ before, after }: Move): string | undefined => {
  const [was, is] = [eventsIn(before as Partition), eventsIn(after as Partition)];
  if (was.some((event, at) => JSON.stringify(event) !== JSON.stringify(is[at]))) return 'An event was changed.';
  if (is.some(({ seq }, at) => seq !== at + 2)) return 'The log has a gap.';
  if (is.length > was.length && was.some(({ status }) => isTerminal(status))) return 'An ended operation went on.';
  return undefined;
});

const eventsIn = (log: Partition) =>
  Object.keys(log)
    .filter((sortKey) => sortKey.startsWith('EVT#'))
    .sort()
    .map((sortKey) => log[sortKey] as unknown as OperationEvent);

const violationAtEnd = (view: View, operations: readonly string[]): string | undefined => {
  const open = operations.filter((name) => !isOver(view, name));
  if (open.length > 0) return `${open.join(', ')} never ended.`;
  const { state } = occupancyIn(view);
  return state === 'ACTIVE' ? undefined : `Every refresh is over, and the instance is ${state}.`;
};

const isOver = (view: View, operationId: string): boolean =>
  eventsIn(view.part(logPart(operationId)) as Partition).some(({ status }) => isTerminal(status));
