import middy from '@middy/core';
import type * as z from 'zod';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { logger } from './logger.ts';

type Environment<Name extends FunctionName> = z.output<(typeof FUNCTIONS)[Name]['environment']>;

/** The one pipeline of functions that run by themselves, on a schedule or an event: what a run did is logged when it did anything. */
export const scheduledFunction = <Name extends FunctionName>(
  name: Name,
  build: (environment: Environment<Name>) => (event: unknown) => Promise<Record<string, number>>,
) => {
  const run = build(FUNCTIONS[name].environment.parse(process.env) as Environment<Name>);
  return middy().handler(async (event: unknown) => {
    const done = await run(event);
    if (Object.values(done).some((count) => count > 0)) logger.info(name, done);
    return done;
  });
};
