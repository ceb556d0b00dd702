import { record } from '../recording/record.ts';
import { waitUntil } from './clock.ts';
import { cursorAt } from './cursor.ts';
import type { State } from './definition.ts';
import { matches, StateFailure } from './failure.ts';
import type { Frame } from './frame.ts';
import { nextRetry } from './retry-policy.ts';
import { runChoice } from './states/choice.ts';
import { leave, type Transition } from './states/leave.ts';
import { runMap } from './states/map.ts';
import { runParallel } from './states/parallel.ts';
import { runTask } from './states/task.ts';
import { runWait } from './states/wait.ts';

/**
 * Runs a frame from where it is to its end, and gives its output. What a state did is on disk before the next begins.
 * @throws {StateFailure} a state failed and nothing caught it
 */
export const runFrame = async (frame: Frame): Promise<unknown> => {
  for (;;) {
    const { state: name } = frame.cursor;
    const { Type } = frame.state;
    const { next, output, assigned } = await runState(frame);
    frame.record(`${Type}StateExited`, { stateExitedEventDetails: exited(name, output, assigned) });
    if (next === undefined) return output;
    frame.cursor = cursorAt(next, output, { ...frame.cursor.variables, ...assigned });
    frame.commit({ dropBranches: Type === 'Map' || Type === 'Parallel' });
  }
};

const exited = (name: string, output: unknown, assigned: Record<string, unknown>) => {
  const assignedVariables = Object.entries(assigned).map(([variable, value]) => [variable, JSON.stringify(value)]);
  return {
    name,
    output: JSON.stringify(output),
    ...(assignedVariables.length === 0 ? {} : { assignedVariables: Object.fromEntries(assignedVariables) }),
  };
};

const runState = async (frame: Frame): Promise<Transition> => {
  const { cursor, state } = frame;
  if (cursor.enteredAt === undefined) {
    cursor.enteredAt = frame.now;
    const stateEnteredEventDetails = { name: cursor.state, input: JSON.stringify(cursor.input) };
    frame.record(`${state.Type}StateEntered`, { stateEnteredEventDetails });
    recordTransition(frame);
  }
  for (;;) {
    try {
      if (cursor.pending?.kind === 'backoff') {
        await backOff(frame, cursor.pending.until);
        recordTransition(frame);
      }
      return await attempt(frame, state);
    } catch (error) {
      // Anything else is the end of the execution, or a fault of the runner: no machine can answer it.
      if (!(error instanceof StateFailure)) throw error;
      if (!planRetry(frame, state, error)) return await catchFailure(frame, state, error);
    }
  }
};

/** What is billed: a state that is entered, or tried again. */
const recordTransition = ({ execution: { machineName: name } }: Frame): void =>
  record({ role: `machine/${name}`, action: 'transition', resource: `stateMachine/${name}` });

const attempt = async (frame: Frame, state: State): Promise<Transition> => {
  switch (state.Type) {
    case 'Task':
      return runTask(frame, state);
    case 'Choice':
      return runChoice(frame, state);
    case 'Wait':
      return runWait(frame, state);
    case 'Parallel':
      return runParallel(frame, state, runFrame);
    case 'Map':
      return runMap(frame, state, runFrame);
    case 'Pass':
    case 'Succeed':
      return leave(frame, state, { output: frame.cursor.input });
    case 'Fail':
      throw await declaredFailure(frame, state.Error, state.Cause);
  }
};

const declaredFailure = async (frame: Frame, error?: string, cause?: string): Promise<StateFailure> => {
  const text = async (field: string, template?: string): Promise<string | undefined> => {
    const value = await frame.evaluate(template, field);
    if (value === undefined || typeof value === 'string') return value;
    throw frame.evaluationFailed(field, 'it is not a string');
  };
  return new StateFailure(await text('Error', error), await text('Cause', cause));
};

const backOff = async (frame: Frame, until: number): Promise<void> => {
  await waitUntil(frame.execution.surroundings.clock, until, frame.signal);
  delete frame.cursor.pending;
};

/** Writes down until when to wait before the next attempt, if a retrier answers the failure. */
const planRetry = (frame: Frame, state: State, failure: StateFailure): boolean => {
  const retriers = 'Retry' in state ? (state.Retry ?? []) : [];
  const retry = nextRetry(retriers, frame.cursor.retries, failure, frame.execution.surroundings.random);
  if (retry === undefined) return false;
  const { cursor } = frame;
  cursor.retries = retriers.map((_, n) => (cursor.retries[n] ?? 0) + (n === retry.retrier ? 1 : 0));
  cursor.pending = { kind: 'backoff', until: frame.now + retry.delaySeconds * 1000 };
  frame.commit({ dropBranches: true });
  return true;
};

const catchFailure = async (frame: Frame, state: State, failure: StateFailure): Promise<Transition> => {
  const catchers = 'Catch' in state ? (state.Catch ?? []) : [];
  const catcher = catchers.find(({ ErrorEquals }) => matches(ErrorEquals, failure));
  if (catcher === undefined) throw failure;
  return leave(frame, catcher, { output: failure.output, errorOutput: failure.output }, 'Catch/');
};
