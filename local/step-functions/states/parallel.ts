import type { ParallelState } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import { planBranches, type RunFrame, runBranches } from './branches.ts';
import { leave, type Transition } from './leave.ts';

/** Runs all branches at once on the same input. Its result is the list of their outputs. */
export const runParallel = async (frame: Frame, state: ParallelState, runFrame: RunFrame): Promise<Transition> => {
  const { cursor } = frame;
  if (cursor.pending?.kind !== 'branches') {
    const { Arguments } = state;
    const input = Arguments === undefined ? cursor.input : await frame.evaluate(Arguments, 'Arguments');
    frame.record('ParallelStateStarted');
    planBranches(
      frame,
      state.Branches.map((scope) => ({ scope, input })),
    );
  }
  const result = await runBranches(frame, state.Branches, state.Branches.length, runFrame).catch((error: unknown) => {
    if (error instanceof StateFailure) frame.record('ParallelStateFailed');
    throw error;
  });
  frame.record('ParallelStateSucceeded');
  return leave(frame, state, { output: result, result });
};
