import middy from '@middy/core';
import * as z from 'zod';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { reportFailure, type StepFailure } from '../../domain/operation/failure-report.ts';
import { attemptOfExecution } from '../../domain/operation/workflows.ts';
import { about, beginLines, logger } from '../telemetry/logger.ts';
import { measure } from '../telemetry/metrics.ts';

/** What a state machine hands to each of its functions. */
export const OperationInput = z.object({
  operationId: z.string(),
  /** The step comes before a point of no return. */
  beforeNoReturn: z.boolean().default(false),
});

/** What it hands to a function that works on a graph. */
export const StepInput = OperationInput.extend({ graphId: z.string() });

/**
 * What it hands to a function that gives up the place which does not serve a graph: the one that it left when its move
 * has `switched`, the one that it did not get to when its move is `abandoned`.
 */
export const SpareInput = StepInput.extend({ moveIs: z.enum(['switched', 'abandoned']) });

/** What it hands to a function that tells the log how the execution goes on or ends. */
export const RecordInput = OperationInput.extend({ execution: z.string().transform(attemptOfExecution) });

/** What it hands to a function that records a failure. */
export const FailureInput = RecordInput.extend({
  failure: z.object({ Error: z.string(), Cause: z.string().default('') }) satisfies z.ZodType<StepFailure>,
});

type Environment<Name extends FunctionName> = z.output<(typeof FUNCTIONS)[Name]['environment']>;

/**
 * The one pipeline of steps: parses environment and input, and throws under the word of failure that the state
 * machine's `Retry` and `Catch` match on. A step answers nothing: what later steps need is in the control table.
 */
export const stepFunction = <Name extends FunctionName, Input extends z.ZodType>(
  name: Name,
  input: Input,
  build: (environment: Environment<Name>) => (input: z.output<Input>) => Promise<void>,
) => {
  const run = build(FUNCTIONS[name].environment.parse(process.env) as Environment<Name>);
  return middy()
    .onError(({ error }) => {
      const { word, report } = reportFailure(error);
      // What nobody foresaw is a fault; what has a word of its own is part of the work.
      if (word === 'Unknown') {
        logger.error('A step failed', { error: error as Error });
        measure('Fault', 1, { in: 'step' });
      } else logger.info('A step did not succeed', { error: error as Error });
      throw Object.assign(new Error(report, { cause: error }), { name: word });
    })
    .handler(async (event: unknown, { awsRequestId: requestId }) => {
      beginLines({ requestId, function: name });
      about(event);
      await run(input.parse(event));
      logger.info('A step is done');
    });
};
