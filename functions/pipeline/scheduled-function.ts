import middy from '@middy/core';
import type * as z from 'zod';
import { FUNCTIONS, type FunctionName, isSchedule } from '../../contract/functions.ts';
import { beginLines, logger } from '../telemetry/logger.ts';
import { measure } from '../telemetry/metrics.ts';

type Environment<Name extends FunctionName> = z.output<(typeof FUNCTIONS)[Name]['environment']>;

/** The one pipeline of functions that run by themselves, on a schedule or an event: what a run did is logged when it did anything. */
export const scheduledFunction = <Name extends FunctionName>(
  name: Name,
  build: (environment: Environment<Name>) => (event: unknown) => Promise<Record<string, number>>,
) => {
  const run = build(FUNCTIONS[name].environment.parse(process.env) as Environment<Name>);
  return middy()
    .onError(({ error }) => {
      logger.error('A scheduled run failed', { error: error as Error });
      measure('Fault', 1, { in: 'schedule' });
      throw error;
    })
    .handler(async (event: unknown, { awsRequestId: requestId }) => {
      beginLines({ requestId, function: name });
      const done = await run(event);
      if (isSchedule(name)) measure('ScheduleRan', 1, { schedule: name });
      if (Object.values(done).some((count) => count > 0)) logger.info('A scheduled run did something', done);
      return done;
    });
};
