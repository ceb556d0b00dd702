import { FUNCTIONS, type FunctionDefinition } from '../contract/functions.ts';
import type { Lambda } from './lambda/start-lambda.ts';
import { actingAs } from './recording/caller.ts';

const MINUTE_MS = 60_000;

/** Runs the scheduled functions now and then at their rates, as EventBridge does. */
export const runSchedules = (lambda: Lambda): { close(): Promise<void> } => {
  const underWay = new Set<Promise<void>>();
  const run = (name: string) => {
    const invocation: Promise<void> = actingAs('service/events', () => lambda.invoke(name, {}))
      .then(
        () => undefined,
        (error: unknown) => void process.stderr.write(`${name} failed: ${String(error)}\n`),
      )
      .finally(() => underWay.delete(invocation));
    underWay.add(invocation);
  };
  const timers = Object.entries<FunctionDefinition>(FUNCTIONS).flatMap(([name, { everyMinutes }]) => {
    if (everyMinutes === undefined) return [];
    run(name);
    return setInterval(() => run(name), everyMinutes * MINUTE_MS);
  });
  return {
    async close() {
      timers.forEach(clearInterval);
      await Promise.all(underWay);
    },
  };
};
