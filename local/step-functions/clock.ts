/** Time as the runner sees it. Passed in, so that a test can wait a day in no time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `wake` once, as soon as `now()` has reached `at`. Returns how to call it off. */
  schedule(at: number, wake: () => void): () => void;
}

/** The longest delay `setTimeout` takes; a longer one is made of several. */
const LONGEST_DELAY_MILLISECONDS = 2 ** 31 - 1;

/** The wall clock. */
export const systemClock: Clock = {
  now: Date.now,
  schedule(at, wake) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const left = at - Date.now();
      timer = setTimeout(left > LONGEST_DELAY_MILLISECONDS ? arm : wake, Math.min(left, LONGEST_DELAY_MILLISECONDS));
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Resolves when the clock has reached `at`; rejects with the signal's reason if it is aborted first. */
export const waitUntil = (clock: Clock, at: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.schedule(at, () => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
