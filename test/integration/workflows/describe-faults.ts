import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isTerminal, type OperationStatus } from '../../../domain/operation/operation.ts';
import type { OperationRequest } from '../../../domain/operation/operation-commands.ts';
import type { OperationEvent } from '../../../domain/operation/operation-event.ts';
import { type Item, inconsistencies, type World } from '../../fixtures/consistency.ts';
import { inTurn, pairs, sampled } from '../../fixtures/sample.ts';
import { type Injection, LASTING_FAULTS, PASSING_FAULTS } from './fault-injector.ts';
import { type MachineUnderTest, type Scene, statesOf, wayTo } from './machine-under-test.ts';
import { openStage, type Stage } from './stage.ts';

/** Makes every fault happen in every state of a machine, and everything that is late come late; all must end whole. */
export const describeFaults = (machine: MachineUnderTest): void => {
  const { tasks, forward, afterNoReturn, undoing, lastUndone, jobs } = statesOf(machine.name);
  let stage: Stage;
  let scene: Scene;
  let restore: () => Promise<void>;
  let before: World;
  let request: OperationRequest;

  beforeAll(async () => {
    stage = await openStage();
    scene = await machine.open(stage);
    restore = await stage.keep();
  });
  afterAll(() => stage.close());
  beforeEach(async () => {
    request = await scene.request();
    before = await stage.world();
  });
  afterEach(() => restore());

  const inject = (state: string, fault: Injection['fault']) =>
    stage.faults.inject({ operationId: request.operationId, state, fault });

  const run = async (): Promise<OperationEvent> => {
    const { operationId } = request;
    await stage.commands.accept(request);
    await stage.finish(operationId);
    await stage.faults.atTheEnd(operationId);
    await stage.finish(operationId);
    return stage.log.last(operationId);
  };

  /** Leads the run to a state, if it does not come there by itself. */
  const leadTo = async (state: string): Promise<void> => {
    await scene.detours?.[state]?.(request);
    for (const step of wayTo(machine.name, state) ?? []) if (step.state !== state) inject(step.state, step.fault);
  };

  /** Lets an operation that was asked for now come to its end, with nothing going wrong any more. */
  const expectGoingOn = async (goOn: () => Promise<OperationRequest>, status: OperationStatus): Promise<World> => {
    stage.faults.heal(request.operationId);
    const asked = await goOn();
    await stage.finish(asked.operationId);
    expect(await stage.log.last(asked.operationId)).toMatchObject({ status });
    const world = await stage.world();
    expect(inconsistencies(world)).toEqual([]);
    if (status === 'succeeded') scene.expectDone(world, asked);
    return world;
  };

  /**
   * The operation is over, and everything is accounted for. What was undone has left nothing, if need be after `retry`;
   * what stopped is finished by asking again.
   */
  const expectWhole = async ({ status, cancellable }: OperationEvent): Promise<void> => {
    expect(isTerminal(status), status).toBe(true);
    const world = await stage.world();
    expect(inconsistencies(world)).toEqual([]);
    if (status === 'succeeded') return scene.expectDone(world, request);
    if (status === 'failed' && !cancellable) {
      await expectGoingOn(async () => {
        const again = scene.again?.(request);
        if (again === undefined) throw new Error('Say what it is to ask again.');
        await stage.commands.accept(again);
        return again;
      }, 'succeeded');
      return;
    }
    if (status !== 'compensation_failed') return expectUndone(world);
    const retry = async () => {
      await stage.commands.retry(request.operationId, { actor: 'olga' });
      return request;
    };
    expectUndone(await expectGoingOn(retry, 'failed'));
  };

  /** What is there is what was there before, but for what is to become of it. */
  const expectUndone = (after: World): void => {
    scene.expectUndone?.(request);
    const last = after.operations.get(request.operationId);
    const { whenUndone } = scene;
    const items = last && whenUndone ? before.items.flatMap((item) => whenUndone(item, last) ?? []) : before.items;
    expect(worldly(after)).toEqual(worldly({ ...before, items }));
  };

  test('without a fault it does what it is for', async () => {
    const last = await run();
    expect(last).toMatchObject({ status: 'succeeded', attempt: 1, error: null });
    await expectWhole(last);
    const visited = stage.faults.visited.get(request.operationId) ?? [];
    const isRepeated = (state: string, at: number) => machine.polls?.includes(state) && visited[at - 1] === state;
    expect(visited.filter((state, at) => !isRepeated(state, at))).toEqual(forward);
  });

  /** Makes a fault happen in each of the states in one run. */
  const expectWholeWith = async (states: readonly string[], fault: Injection['fault']): Promise<OperationEvent> => {
    const injections = states.map((state) => inject(state, fault));
    const last = await run();
    expect(injections.filter((injection) => !stage.faults.happened(injection))).toEqual([]);
    await expectWhole(last);
    return last;
  };

  describe.each(tasks.map((state, at) => ({ state, at })))('at $state', ({ state, at }) => {
    const aside = ![...forward, ...undoing].includes(state);
    test.each(inTurn(LASTING_FAULTS, at))('what %s', async (fault) => {
      await leadTo(state);
      await expectWholeWith([state], fault);
    });
    test.runIf(aside).each(PASSING_FAULTS)('what %s', async (fault) => {
      await leadTo(state);
      const { status } = await expectWholeWith([state], fault);
      // A wait on the way forward is gone through; to the others a fault has led that is for good.
      if (wayTo(machine.name, state) === undefined) expect(status).toBe('succeeded');
    });
  });

  // What does not end a run happens to all of its states in one.
  test.each(PASSING_FAULTS)('every step forward %s', async (fault) => {
    expect((await expectWholeWith(forward, fault)).status).toBe('succeeded');
  });
  test.runIf(lastUndone !== undefined).each(PASSING_FAULTS)('every step of the undo %s', async (fault) => {
    inject(lastUndone ?? '', 'fails before the work');
    await expectWholeWith(undoing, fault);
  });

  describe('its execution is stopped by hand, and another one ends it', () => {
    test.each(sampled(tasks))('at %s', async (state) => {
      const { operationId } = request;
      await leadTo(state);
      let stopped = false;
      const act = async () => {
        await stage.stopByHand(operationId);
        stopped = true;
      };
      stage.faults.afterwards({ operationId, from: '', after: state, act });
      const last = await run();
      expect(stopped).toBe(true);
      await expectWhole(last);
    });
  });

  describe('cancelled', () => {
    const stops = ['its execution is stopped', 'the call to stop its execution is lost'] as const;
    test.each(pairs(forward, stops))('at %s, and %s', async (state, stop) => {
      const { operationId } = request;
      const commands = stop === stops[0] ? stage.commands : stage.commandsWithoutStop;
      let refused: unknown;
      const act = () =>
        commands.cancel(operationId, { actor: 'ada' }).catch((error: unknown) => {
          refused = error;
        });
      stage.faults.afterwards({ operationId, from: '', after: state, act });
      const last = await run();
      if (refused === undefined) expect(last.status).toBe('cancelled');
      else expect(last).toMatchObject({ status: 'succeeded', attempt: 1 });
      await expectWhole(last);
    });
  });

  describe.runIf(lastUndone !== undefined)('undone', () => {
    test.each(sampled([...undoing, 'the end']))('every step forward runs again after %s', async (after) => {
      const undoable = forward.slice(0, forward.indexOf(lastUndone ?? ''));
      const injections = undoable.map((state) => inject(state, `runs again after ${after}`));
      inject(lastUndone ?? '', 'fails before the work');
      const last = await run();
      for (const injection of injections) expect(stage.faults.happened(injection)).toBe(true);
      expect(last.status).toBe('failed');
      await expectWhole(last);
    });

    const moments = [...undoing, 'the end'];
    const steps = forward.filter((state) => !jobs.includes(state) && !afterNoReturn.includes(state));
    test.each(pairs(steps, moments))('%s is held up at its first write until after %s', async (state, after) => {
      const injection = inject(state, `is held up until after ${after}`);
      const last = await run();
      expect(stage.faults.happened(injection)).toBe(true);
      expect(last.status).toBe('failed');
      await expectWhole(last);
    });

    test.each(pairs(jobs, moments))('the job of %s is begun by its instance after %s', async (_job, after) => {
      const { operationId } = request;
      const { promise, resolve } = Promise.withResolvers<void>();
      stage.heldJobs.set(operationId, promise);
      stage.faults.afterwards({ operationId, from: '', after, act: async () => resolve() });
      const last = await run();
      expect(last.status).toBe('failed');
      await expectWhole(last);
    });
  });
};

/** What there is besides logs, which stay; what tells late runs that it is over, which goes by itself; and settings. */
const worldly = ({ items, objects }: World) => ({
  items: items
    .filter((item) => !/^(OP#|TIERS$)/.test(item.pk) && !('expiresAt' in item))
    // Which leases there were lately is forgotten by itself; which task an instance has is its service's affair.
    .map(({ ended: _ended, interrupted: _interrupted, ...item }) => item as Item)
    .map(({ taskArn: _task, endpoint: _endpoint, heartbeatAt: _at, generation: _count, ...item }) => item as Item)
    // A set that has become empty leaves its key.
    .filter((item) => Object.keys(item).length > 2)
    .sort(byKey),
  objects: [...objects].sort(),
});
const byKey = (left: { pk: string; sk: string }, right: { pk: string; sk: string }) =>
  `${left.pk} ${left.sk}` < `${right.pk} ${right.sk}` ? -1 : 1;
