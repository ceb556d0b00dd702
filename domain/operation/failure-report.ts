import * as z from 'zod';
import { FAILURE_STATUS, Failure, type FailureCode, Unknown } from '../failure.ts';
import type { OperationError } from './operation.ts';

/** A failure as Step Functions carries it: `Error` is the word that retries match on, `Cause` a text. */
export type StepFailure = { Error: string; Cause: string };

/** Says what went wrong as a word and a text that {@link operationErrorFrom} reads again. */
export const reportFailure = (error: unknown): { word: string; report: string } => {
  const failure =
    error instanceof Failure
      ? error
      : new Unknown('internal', 'A part of the service did not answer.', { cause: error });
  const { code, message, retryable } = failure;
  return { word: failure.name, report: JSON.stringify({ code, message, retryable } satisfies OperationError) };
};

const codes = Object.keys(FAILURE_STATUS) as [FailureCode, ...FailureCode[]];
const Report = z.object({ code: z.enum(codes), message: z.string(), retryable: z.boolean() });
/** How Lambda wraps what a function throws. */
const LambdaError = z.object({ errorMessage: z.string() });

/** What a client is told of a failure that ended a workflow, whoever reported it. */
export const operationErrorFrom = ({ Error: word, Cause: cause }: StepFailure): OperationError => {
  const outer = parseJson(cause);
  const wrapped = LambdaError.safeParse(outer);
  const report = Report.safeParse(wrapped.success ? parseJson(wrapped.data.errorMessage) : outer);
  if (report.success) return report.data;
  return { code: 'internal', message: `A step of the workflow ended with ${word}.`, retryable: true };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
