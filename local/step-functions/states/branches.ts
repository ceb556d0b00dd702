import { cursorAt, type Item } from '../cursor.ts';
import type { Scope } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import { Frame } from '../frame.ts';

/** Runs a frame to its end, and gives its output. */
export type RunFrame = (frame: Frame) => Promise<unknown>;

/** A branch to run: one of a Parallel, or one iteration of a Map. */
export interface Branch {
  scope: Scope;
  input: unknown;
  item?: Item;
}

/** What a Map tells of its iterations; a Parallel is silent about its branches. */
export interface Told {
  onStart?(branch: Frame, index: number): void;
  onSuccess?(branch: Frame, index: number): void;
  onFailure?(frame: Frame, index: number): void;
}

/** Writes all branches of a state down, so that from here on each of them goes on by itself after a restart. */
export const planBranches = (frame: Frame, branches: Branch[]): void => {
  frame.cursor.pending = { kind: 'branches', count: branches.length };
  frame.commit({
    branches: branches.map(({ scope, input, item }) => ({ cursor: cursorAt(scope.StartAt, input, {}), item })),
  });
};

/**
 * Runs the branches that were planned, at most so many at once, and gives their outputs in order. The first that fails
 * ends the others.
 * @throws {StateFailure} of the first branch that failed
 */
export const runBranches = async (
  frame: Frame,
  scopes: Scope[],
  concurrency: number,
  runFrame: RunFrame,
  told: Told = {},
): Promise<unknown[]> => {
  const siblings = new AbortController();
  const signal = AbortSignal.any([frame.signal, siblings.signal]);
  const branches = scopes.map((scope, n) => restored(frame, scope, `${frame.path}/${n}`, signal));
  const failures: unknown[] = [];
  const waiting = branches.entries();
  const work = async () => {
    for (const [index, branch] of waiting) {
      if (signal.aborted) return;
      try {
        await runBranch(branch, index, runFrame, told);
        frame.chain.last = branch.chain.last;
      } catch (error) {
        // Those that were aborted by the first to fail have nothing to tell.
        if (failures.push(error) > 1) return;
        frame.adopt(branch);
        told.onFailure?.(frame, index);
        siblings.abort(new Error('Another branch failed.'));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, branches.length) }, work));
  for (const { path } of branches) frame.execution.frames.delete(path);
  frame.signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return branches.map(({ done }) => done?.output);
};

const runBranch = async (branch: Frame, index: number, runFrame: RunFrame, told: Told): Promise<void> => {
  if (branch.done !== undefined) return;
  if (branch.cursor.enteredAt === undefined) told.onStart?.(branch, index);
  const output = await runFrame(branch);
  branch.done = { output };
  told.onSuccess?.(branch, index);
  branch.commit();
};

const restored = (parent: Frame, scope: Scope, path: string, signal: AbortSignal): Frame => {
  const { execution, variables: outer } = parent;
  const saved = execution.saved.get(path);
  if (saved === undefined) throw new StateFailure('States.Runtime', `The branch ${path} was never written down.`);
  execution.saved.delete(path);
  return new Frame({ ...saved, execution, path, scope, outer, signal });
};
