import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FUNCTIONS, type FunctionName, functionReference } from '../../contract/functions.ts';
import { STATE_MACHINES, type StateMachineName } from '../../domain/operation/workflows.ts';
import { deleteGraph } from '../../statemachines/delete-graph.ts';
import { aslFile, aslOf, MACHINES } from '../../statemachines/machines.ts';
import type { State, StateMachine } from '../../statemachines/states.ts';

/** The undos of each machine: the job before what it works on, the database before its slot, the slot before its record. */
const UNDOS: Record<StateMachineName, readonly string[]> = {
  'change-tier': ['SwitchTierBack', 'StopWarmGraph', 'DropWarmedDatabase', 'FreeTierSlot', 'LeaveQueue'],
  'create-backup': ['StopBackUpSnapshot', 'RemoveBackup'],
  'delete-graph': ['RemoveBackup', 'AbandonDelete'],
  'fork-subgraph': [
    'DeactivateGraph',
    'StopForkGraph',
    'WithdrawSnapshot',
    'ForgetTables',
    'DropDatabase',
    'ReleaseSubgraph',
  ],
  'launch-instance': ['RemoveInstance'],
  materialize: ['StopLoadGraph', 'ReleaseGraph'],
  'provision-graph': [
    'DeactivateGraph',
    'FailSubscription',
    'RevokeCredits',
    'StopBuildGraph',
    'WithdrawSnapshot',
    'DropDatabase',
    'FreeSlot',
    'DeleteGraph',
    'LeaveQueue',
  ],
  'provision-repository-access': ['DeactivateAccess', 'RevokeCredits', 'RevokeAccess'],
  'provision-subgraph': ['DeactivateGraph', 'StopBuildGraph', 'WithdrawSnapshot', 'DropDatabase', 'ReleaseSubgraph'],
  'refresh-instance': ['RollBackTask', 'Undrain'],
  'refresh-fleet': ['StopWalk', 'UnlockTiers'],
  'retire-instance': ['Requarantine', 'Undrain', 'UnlockTier'],
  'restore-backup': ['StopRestoreSnapshot', 'StopBackUpCurrent', 'RemoveBackup', 'ReleaseGraph'],
  'run-external-job': ['TerminateJob'],
  'stage-table': ['StopStageFiles', 'ReleaseTable'],
};

/** A person who is to answer, a slot or an instance that is to be free and a process that is to start send no heartbeats. */
const NOBODY_HEARTBEATS = [
  'AwaitIdle',
  'AwaitInstances',
  'AwaitTask',
  'RollBackTask',
  'AwaitInput',
  'WaitForCapacity',
  'WaitForInstance',
  'WaitToBackUpCurrent',
  'WaitToBackUpSnapshot',
  'WaitToBuildGraph',
  'WaitToRestoreSnapshot',
  'WaitToForkGraph',
  'WaitToLoadGraph',
  'WaitToStageFiles',
  'WaitToWarmGraph',
];

describe.each(MACHINES)('$name', (machine) => {
  const undos = UNDOS[machine.name as StateMachineName];
  const states = Object.entries(machine.definition.States);
  const tasks = states.flatMap(([name, state]) => (state.Type === 'Task' ? [{ name, state }] : []));

  test('the committed ASL is what the machine yields (npm run asl)', () => {
    expect(readFileSync(aslFile(machine.name), 'utf8')).toBe(aslOf(machine));
  });

  test('every task has a timeout, and a heartbeat when it waits for work, by its token', () => {
    for (const { name, state } of tasks) {
      expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
      const waitsForWork = state.Resource.endsWith('.waitForTaskToken') && !NOBODY_HEARTBEATS.includes(name);
      expect(waitsForWork, name).toBe(state.HeartbeatSeconds !== undefined);
      expect(state.HeartbeatSeconds ?? 0, name).toBeLessThan(state.TimeoutSeconds);
    }
  });

  test('a function may run no longer than its task waits', () => {
    const byReference = new Map(
      (Object.keys(FUNCTIONS) as FunctionName[]).map((name) => [`\${${functionReference(name)}}`, FUNCTIONS[name]]),
    );
    for (const { name, state } of tasks) {
      const called = byReference.get(state.Arguments['FunctionName'] as string);
      expect(called?.timeoutSeconds, name).toBeLessThanOrEqual(state.TimeoutSeconds);
    }
  });

  test('whatever fails leads to a recorded end', () => {
    const targets = new Map(
      tasks.map(({ name, state }) => [
        name,
        [...('Next' in state ? [state.Next] : []), ...(state.Catch ?? []).map(({ Next }) => Next)],
      ]),
    );
    for (const [name, state] of states) {
      if (state.Type === 'Choice') targets.set(name, [state.Default, ...state.Choices.map(({ Next }) => Next)]);
    }
    const ends = (from: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(from)) return new Set();
      seen.add(from);
      const next = targets.get(from);
      return next === undefined || next.length === 0
        ? new Set([from])
        : new Set(next.flatMap((name) => [...ends(name, seen)]));
    };
    for (const { name, state } of tasks) {
      if (name.startsWith('Record')) continue;
      const failures = (state.Catch ?? []).flatMap(({ Next }) => [...ends(Next)]);
      expect(
        state.Catch?.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL')),
        name,
      ).toBe(true);
      expect(failures, name).toContain('Failed');
    }
  });

  test('an undo comes after the undos of all later steps', () => {
    expect(chainFrom(machine.definition, 'BeginUndo').slice(1)).toEqual(undos);
  });

  test('an undo that fails does not hold up the undos after it', () => {
    for (const { name, state } of tasks.filter(({ name }) => undos.includes(name))) {
      expect('Next' in state && state.Catch?.map(({ Next }) => Next), name).toEqual(['Next' in state && state.Next]);
    }
  });

  test('the execution ends no sooner than its longest way, with every state at its slowest', () => {
    const { StartAt, TimeoutSeconds } = machine.definition;
    expect(TimeoutSeconds).toBeGreaterThanOrEqual(longestWaySeconds(machine.definition, StartAt));
  });
});

test('every committed ASL is of a machine, and every machine is one that operations know', () => {
  const committed = globSync('*.asl.json', { cwd: fileURLToPath(new URL('.', aslFile('any'))) });
  expect(committed.sort()).toEqual(MACHINES.map(({ name }) => `${name}.asl.json`).sort());
  expect(MACHINES.map(({ name }) => name).sort()).toEqual([...STATE_MACHINES].sort());
});

test('a deletion removes the database before its slot, and the slot before the record that names it', () => {
  expect(chainFrom(deleteGraph.definition, deleteGraph.definition.StartAt)).toEqual([
    'BeginDelete',
    'BackUpGraph',
    'DeleteSubgraphs',
    'DropDatabase',
    'FreeSlot',
    'EraseGraph',
  ]);
});

/** The tasks that follow each other from one on. */
const chainFrom = ({ States }: StateMachine, first: string): string[] => {
  const state = States[first];
  if (state?.Type !== 'Task') return [];
  return [first, ...('Next' in state ? chainFrom({ States } as StateMachine, state.Next) : [])];
};

/** The longest way from a state to an end; a state that is waited for and comes again is counted once. */
const longestWaySeconds = ({ States }: StateMachine, from: string, seen: readonly string[] = []): number => {
  const state = States[from];
  if (state?.Type === 'Choice') {
    const targets = [state.Default, ...state.Choices.map(({ Next }) => Next)];
    return Math.max(...targets.map((next) => longestWaySeconds({ States } as StateMachine, next, seen)));
  }
  if (state?.Type !== 'Task' || seen.includes(from)) return 0;
  const targets = new Set([...('Next' in state ? [state.Next] : []), ...(state.Catch ?? []).map(({ Next }) => Next)]);
  const ways = [...targets].map((next) => longestWaySeconds({ States } as StateMachine, next, [...seen, from]));
  return longestSeconds(state) + Math.max(0, ...ways);
};

/**
 * A task at its slowest: every try that a timeout leads to takes all its time, and each wait between tries is half as
 * long as it can be: full jitter, on average.
 */
const longestSeconds = ({ TimeoutSeconds, Retry }: Extract<State, { Type: 'Task' }>): number => {
  const times = Retry.map(({ ErrorEquals, MaxAttempts, IntervalSeconds, BackoffRate, MaxDelaySeconds }) => {
    const waits = Array.from({ length: MaxAttempts }, (_, at) =>
      Math.min(IntervalSeconds * BackoffRate ** at, MaxDelaySeconds),
    );
    const isTriedAgain = ErrorEquals.some((word) => ['States.Timeout', 'States.ALL'].includes(word));
    const tries = isTriedAgain ? MaxAttempts + 1 : 1;
    return tries * TimeoutSeconds + waits.reduce((sum, wait) => sum + wait / 2, 0);
  });
  return Math.max(TimeoutSeconds, ...times);
};
