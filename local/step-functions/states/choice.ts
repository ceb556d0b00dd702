import type { ChoiceState } from '../definition.ts';
import { StateFailure } from '../failure.ts';
import type { Frame } from '../frame.ts';
import { leave, type Transition } from './leave.ts';

/**
 * Takes the first rule whose Condition holds, else the Default.
 * @throws {StateFailure} States.NoChoiceMatched
 */
export const runChoice = async (frame: Frame, state: ChoiceState): Promise<Transition> => {
  const outcome = { output: frame.cursor.input };
  for (const [n, rule] of state.Choices.entries()) {
    const location = `Choices[${n}]/`;
    const holds = await frame.evaluate(rule.Condition, `${location}Condition`);
    if (typeof holds !== 'boolean')
      throw frame.evaluationFailed(`${location}Condition`, 'it is neither true nor false');
    if (holds) return leave(frame, rule, outcome, location);
  }
  if (state.Default !== undefined) return leave(frame, { ...state, Next: state.Default }, outcome);
  throw new StateFailure('States.NoChoiceMatched', `No choice of the state '${frame.cursor.state}' matched.`);
};
