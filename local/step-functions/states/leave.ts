import { withinLimit } from '../failure.ts';
import type { Frame } from '../frame.ts';

/** How a state was left. */
export interface Transition {
  /** The state that follows; none ends the scope. */
  next: string | undefined;
  output: unknown;
  assigned: Record<string, unknown>;
}

/** What a state is left with, before its Output and Assign have been applied. */
export interface Outcome {
  /** The output, if the state has no Output of its own. */
  output: unknown;
  result?: unknown;
  errorOutput?: unknown;
}

/** The fields that say how a state, a Choice rule or a Catch is left. */
interface Leaving {
  readonly Next?: string | undefined;
  readonly Assign?: Record<string, unknown> | undefined;
  readonly Output?: unknown;
}

/**
 * Leaves a state. Assign and Output both see the variables as they were when the state was entered.
 * @param location where in the state the fields are, for the history
 * @throws {StateFailure} States.QueryEvaluationError, States.DataLimitExceeded
 */
export const leave = async (
  frame: Frame,
  { Next, Assign, Output }: Leaving,
  { output, ...states }: Outcome,
  location = '',
): Promise<Transition> => {
  const assigned: Record<string, unknown> = {};
  for (const [name, template] of Object.entries(Assign ?? {})) {
    const value = await frame.evaluate(template, `${location}Assign/${name}`, states);
    assigned[name] = withinLimit(value, `value of variable '${name}'`);
  }
  const given = Output === undefined ? output : await frame.evaluate(Output, `${location}Output`, states);
  return { next: Next, output: withinLimit(given, 'state output'), assigned };
};
