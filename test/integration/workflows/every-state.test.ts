import { existsSync, globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { statesOf, wayTo } from './machine-under-test.ts';
import { MACHINES_UNDER_TEST } from './machines.ts';

const ASL = fileURLToPath(new URL('../../../statemachines/asl/', import.meta.url));
const machines = globSync('*.asl.json', { cwd: ASL }).map((file) => basename(file, '.asl.json'));

test('there are machines', () => {
  expect(machines).toContain('provision-graph');
});

describe.each(machines)('%s', (name) => {
  const machine = MACHINES_UNDER_TEST[name as keyof typeof MACHINES_UNDER_TEST];

  test('has its description among the machines under test, and its test file', () => {
    expect(machine?.name).toBe(name);
    expect(existsSync(new URL(`${name}.test.ts`, import.meta.url))).toBe(true);
  });

  test.each(statesOf(name).tasks)('%s has a case: a run can be led to it', (state) => {
    const way = wayTo(name, state) ?? machine?.detours?.find((detour) => detour === state);
    expect(way, `Say in machines/${name}.ts by which detour a run comes to ${state}.`).toBeDefined();
  });

  test('a detour is of a state that there is', () => {
    for (const state of machine?.detours ?? []) expect(statesOf(name).tasks).toContain(state);
  });
});
