import { ExecutionOver } from '../contract/execution-over.ts';
import { FUNCTIONS, type FunctionDefinition } from '../contract/functions.ts';
import type { Lambda } from './lambda/start-lambda.ts';
import { actingAs } from './recording/caller.ts';

/** Lambda runs a function that an event started twice more when it fails; here without the minutes between. */
const TRIES = 3;

const FUNCTIONS_TO_RUN = Object.entries<FunctionDefinition>(FUNCTIONS)
  .filter(([, { onExecutionOver }]) => onExecutionOver)
  .map(([name]) => name);

/**
 * Runs the functions that the end of an execution starts, as EventBridge and its rule do. An event that is lost because
 * this process ends is made good by the schedule.
 */
export const routeExecutionEvents = (lambda: Promise<Pick<Lambda, 'invoke'>>) => {
  const underWay = new Set<Promise<void>>();
  let closed = false;
  const neverReady = Promise.withResolvers<never>();
  const run = async (name: string, event: object) => {
    const { invoke } = await Promise.race([lambda, neverReady.promise]);
    for (let tries = 1; !closed; tries += 1) {
      try {
        await actingAs('service/events', () => invoke(name, event));
        return;
      } catch (error) {
        if (tries < TRIES) continue;
        process.stderr.write(`${name} failed: ${String(error)}\n`);
        return;
      }
    }
  };
  return {
    put(event: object): void {
      if (closed || !ExecutionOver.safeParse(event).success) return;
      for (const name of FUNCTIONS_TO_RUN) {
        const invocation: Promise<void> = run(name, event)
          // The runtime was closed before it had functions.
          .catch(() => undefined)
          .finally(() => underWay.delete(invocation));
        underWay.add(invocation);
      }
    },
    async close(): Promise<void> {
      closed = true;
      neverReady.promise.catch(() => undefined);
      neverReady.reject(new Error('The runtime is closing.'));
      await Promise.all(underWay);
    },
  };
};
