import type { MapState } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import { type Branch, planBranches, type RunFrame, runBranches, type Told } from './branches.ts';
import { leave, type Transition } from './leave.ts';
import { wholeNumber } from './whole-number.ts';

/** What AWS allows an inline Map, and what 0 or no MaxConcurrency means. */
const MOST_AT_ONCE = 40;

/** Runs the ItemProcessor once for each item. Its result is the list of their outputs. */
export const runMap = async (frame: Frame, state: MapState, runFrame: RunFrame): Promise<Transition> => {
  const { cursor } = frame;
  // Not kept on disk: it follows from the input and the variables, which are.
  const concurrency = await wholeNumber(frame, state.MaxConcurrency ?? 0, 'MaxConcurrency');
  let count = cursor.pending?.kind === 'branches' ? cursor.pending.count : undefined;
  if (count === undefined) {
    const iterations = await iterationsOf(frame, state);
    count = iterations.length;
    frame.record('MapStateStarted', { mapStateStartedEventDetails: { length: count } });
    planBranches(frame, iterations);
  }
  const scopes = Array.from({ length: count }, () => state.ItemProcessor);
  const atOnce = Math.min(concurrency || MOST_AT_ONCE, MOST_AT_ONCE);
  const result = await runBranches(frame, scopes, atOnce, runFrame, iterationsOfMap(cursor.state)).catch(
    (error: unknown) => {
      if (error instanceof StateFailure) frame.record('MapStateFailed');
      throw error;
    },
  );
  frame.record('MapStateSucceeded');
  return leave(frame, state, { output: result, result });
};

const iterationsOf = async (frame: Frame, { Items, ItemSelector, ItemProcessor }: MapState): Promise<Branch[]> => {
  const items = Items === undefined ? frame.cursor.input : await frame.evaluate(Items, 'Items');
  if (!Array.isArray(items)) throw frame.evaluationFailed('Items', 'it is not an array');
  const iterations: Branch[] = [];
  for (const [Index, Value] of items.entries()) {
    const item = { Index, Value };
    const input = ItemSelector === undefined ? Value : await frame.evaluate(ItemSelector, 'ItemSelector', { item });
    iterations.push({ scope: ItemProcessor, input, item });
  }
  return iterations;
};

const iterationsOfMap = (name: string): Told => ({
  onStart: (branch, index) =>
    branch.record('MapIterationStarted', { mapIterationStartedEventDetails: { name, index } }),
  onSuccess: (branch, index) =>
    branch.record('MapIterationSucceeded', { mapIterationSucceededEventDetails: { name, index } }),
  onFailure: (frame, index) => frame.record('MapIterationFailed', { mapIterationFailedEventDetails: { name, index } }),
});
