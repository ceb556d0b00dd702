import { z } from 'zod';
import { expressionIn } from './expressions.ts';

/** The part of the Amazon States Language that the runner knows. Strict: a field it does not know is refused by name. */

const expression = z.string().refine((text) => expressionIn(text) !== undefined, 'must be a JSONata expression');
const secondsFrom = (least: number) =>
  z.union([z.int().min(least).max(99_999_999), expression], {
    error: `must be a whole number from ${least} to 99999999, or a JSONata expression`,
  });
const errorEquals = z.array(z.string()).min(1);
const variables = z.record(z.string(), z.unknown());

const described = { Comment: z.string().optional(), QueryLanguage: z.literal('JSONata').optional() };
const assigning = { Assign: variables.optional(), Output: z.unknown().optional() };
const moving = { Next: z.string().optional(), End: z.literal(true).optional() };

const Retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorEquals,
  IntervalSeconds: z.int().min(1).max(99_999_999).optional(),
  MaxAttempts: z.int().min(0).max(99_999_999).optional(),
  BackoffRate: z.number().min(1).optional(),
  MaxDelaySeconds: z.int().min(1).max(31_622_399).optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).optional(),
});
const Catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorEquals,
  Next: z.string(),
  ...assigning,
});
const recovering = { Retry: z.array(Retrier).optional(), Catch: z.array(Catcher).optional() };

/** A StartAt and its States: a machine, a branch of a Parallel, or the body of a Map. */
export interface Scope {
  StartAt: string;
  States: Record<string, State>;
}
// Annotated, so that the types of the states, which hold scopes, need not be known to know the type of a scope.
const States: z.ZodType<Scope['States']> = z.lazy(() => z.record(z.string(), State));
const scope = { StartAt: z.string(), States };
const Branch: z.ZodType<Scope> = z.strictObject({ Comment: z.string().optional(), ...scope });
const ItemProcessor: z.ZodType<Scope> = z.strictObject({
  Comment: z.string().optional(),
  ProcessorConfig: z.strictObject({ Mode: z.literal('INLINE') }).optional(),
  ...scope,
});

const Task = z.strictObject({
  Type: z.literal('Task'),
  Resource: z.string(),
  Arguments: z.unknown().optional(),
  TimeoutSeconds: secondsFrom(1).optional(),
  HeartbeatSeconds: secondsFrom(1).optional(),
  ...described,
  ...assigning,
  ...moving,
  ...recovering,
});
const Choice = z.strictObject({
  Type: z.literal('Choice'),
  Choices: z
    .array(
      z.strictObject({
        Comment: z.string().optional(),
        Condition: expression,
        Next: z.string(),
        ...assigning,
      }),
    )
    .min(1),
  Default: z.string().optional(),
  ...described,
  ...assigning,
});
const Wait = z.strictObject({
  Type: z.literal('Wait'),
  Seconds: secondsFrom(0).optional(),
  Timestamp: z.string().optional(),
  ...described,
  ...assigning,
  ...moving,
});
const Pass = z.strictObject({ Type: z.literal('Pass'), ...described, ...assigning, ...moving });
const Succeed = z.strictObject({ Type: z.literal('Succeed'), Output: z.unknown().optional(), ...described });
const Fail = z.strictObject({
  Type: z.literal('Fail'),
  Error: z.string().optional(),
  Cause: z.string().optional(),
  ...described,
});
const Parallel = z.strictObject({
  Type: z.literal('Parallel'),
  Branches: z.array(Branch).min(1),
  Arguments: z.unknown().optional(),
  ...described,
  ...assigning,
  ...moving,
  ...recovering,
});
const MapOver = z.strictObject({
  Type: z.literal('Map'),
  ItemProcessor,
  Items: z.union([z.array(z.unknown()), expression], { error: 'must be an array or a JSONata expression' }).optional(),
  ItemSelector: z.unknown().optional(),
  MaxConcurrency: secondsFrom(0).optional(),
  ...described,
  ...assigning,
  ...moving,
  ...recovering,
});

const State: z.ZodType<State> = z.discriminatedUnion('Type', [
  Task,
  Choice,
  Wait,
  Pass,
  Succeed,
  Fail,
  Parallel,
  MapOver,
]);

/** A whole machine, as CreateStateMachine takes it. */
export const Definition = z.strictObject({
  Comment: z.string().optional(),
  Version: z.literal('1.0').optional(),
  QueryLanguage: z.literal('JSONata', { error: "must be 'JSONata': this runner knows no other query language" }),
  TimeoutSeconds: z.int().min(1).max(99_999_999).optional(),
  ...scope,
});
export type Definition = z.infer<typeof Definition>;

export type Retrier = z.infer<typeof Retrier>;
export type TaskState = z.infer<typeof Task>;
export type ChoiceState = z.infer<typeof Choice>;
export type WaitState = z.infer<typeof Wait>;
export type PassState = z.infer<typeof Pass>;
export type SucceedState = z.infer<typeof Succeed>;
export type FailState = z.infer<typeof Fail>;
export type ParallelState = z.infer<typeof Parallel>;
export type MapState = z.infer<typeof MapOver>;
export type State =
  | TaskState
  | ChoiceState
  | WaitState
  | PassState
  | SucceedState
  | FailState
  | ParallelState
  | MapState;

/** The scopes inside a state, each with the path that leads to it. */
export const innerScopes = (state: State): { path: string; scope: Scope }[] => {
  if (state.Type === 'Map') return [{ path: 'ItemProcessor', scope: state.ItemProcessor }];
  if (state.Type === 'Parallel') return state.Branches.map((inner, n) => ({ path: `Branches[${n}]`, scope: inner }));
  return [];
};
