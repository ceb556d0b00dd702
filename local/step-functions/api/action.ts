import { type Action as AwsAction, actionOf } from '../../aws-json/action.ts';
import type { Clock } from '../clock.ts';
import type { Journal } from '../journal.ts';
import type { Machines } from '../machines.ts';
import type { Runner } from '../runner.ts';
import type { StepFunctionsErrorType } from '../step-functions-error.ts';

/** What the actions work on. */
export interface Backend {
  readonly journal: Journal;
  readonly machines: Machines;
  readonly runner: Runner;
  readonly clock: Clock;
}

export type Action = AwsAction<Backend>;

/** An action with the schema of its request. */
export const action = actionOf<Backend, StepFunctionsErrorType>('ValidationException');
