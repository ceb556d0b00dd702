import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FUNCTIONS, type FunctionName, functionReference } from '../../contract/functions.ts';
import { aslFile, aslOf, MACHINES } from '../../statemachines/machines.ts';

describe.each(MACHINES)('$name', (machine) => {
  const states = Object.entries(machine.definition.States);
  const tasks = states.flatMap(([name, state]) => (state.Type === 'Task' ? [{ name, state }] : []));

  test('the committed ASL is what the machine yields (npm run asl)', () => {
    expect(readFileSync(aslFile(machine.name), 'utf8')).toBe(aslOf(machine));
  });

  test('every task has a timeout, and a heartbeat when it waits for a token', () => {
    for (const { name, state } of tasks) {
      expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
      expect(state.Resource.endsWith('.waitForTaskToken'), name).toBe(state.HeartbeatSeconds !== undefined);
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
    const order: string[] = [];
    for (let name = 'BeginUndo'; name !== 'Undone'; ) {
      const state = machine.definition.States[name];
      if (state?.Type !== 'Task' || !('Next' in state)) break;
      order.push(state.Next);
      name = state.Next;
    }
    expect(order).toEqual(['DeactivateGraph', 'WithdrawSnapshot', 'DropDatabase', 'FreeSlot', 'DeleteGraph', 'Undone']);
  });

  test('an undo that fails does not hold up the undos after it', () => {
    const undos = ['DeactivateGraph', 'WithdrawSnapshot', 'DropDatabase', 'FreeSlot', 'DeleteGraph'];
    for (const { name, state } of tasks.filter(({ name }) => undos.includes(name))) {
      expect('Next' in state && state.Catch?.map(({ Next }) => Next), name).toEqual(['Next' in state && state.Next]);
    }
  });
});
