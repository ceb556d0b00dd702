import type { JobKind } from '../../domain/fleet/instance-job.ts';
import type { JobWork } from './job-runner.ts';

/**
 * Lets so many of the works that it is given run at once, of whatever kinds; the others wait in the order in which they
 * came. Each takes memory that does not depend on how much it works on, so with that the instance's is bounded too. One
 * that waits is under way for its workflow, and holds the instance.
 */
export const inTurn = (places: number) => {
  let free = places;
  const waiting: (() => void)[] = [];

  const take = (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      waiting.splice(waiting.indexOf(enter), 1);
      reject(signal.reason as Error);
    };
    const enter = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    signal.addEventListener('abort', leave, { once: true });
    waiting.push(enter);
    return promise;
  };
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };

  return <Kind extends JobKind>(work: JobWork<Kind>): JobWork<Kind> =>
    async (job, signal) => {
      await take(signal);
      try {
        await work(job, signal);
      } finally {
        give();
      }
    };
};
