import { Refusal, Retryable } from '../failure.ts';
import type { Apply, Patience } from '../letter/letter-box.ts';

/** Nobody waits for it but the schedule, so a slow catalogue gets its time. */
const TIMEOUT_MS = 20_000;

/** What says that the event itself is wrong. All else can be mended where it is posted to: a token, a path, a limit. */
const HOPELESS = [400, 413, 422];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** 1 → 2 → 4 → 8 → 16 → 32 → 60 → 60 → 60 → 60 → 60 minutes: twelve attempts in six hours. */
export const FOR_HOURS: Patience = {
  maxAttempts: 12,
  restMs: (attempts) => Math.min(HOUR_MS, MINUTE_MS * 2 ** (attempts - 1)),
};

/** Posts events of OpenLineage to a catalogue, which knows a repeated one by its run and its type. */
export const postLineage =
  (url: string, token: () => Promise<string | undefined>, timeoutMs = TIMEOUT_MS): Apply =>
  async ({ text }) => {
    const bearer = await token();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) },
      body: text,
      // The token is for this address only.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
      const what = timedOut ? `did not answer within ${timeoutMs / 1_000} s` : 'can not be reached';
      throw new Retryable('unavailable', `The catalogue ${what}.`, { cause });
    });
    await response.body?.cancel();
    if (response.ok) return 'processed';
    const message = `The catalogue answered ${response.status}.`;
    throw HOPELESS.includes(response.status)
      ? new Refusal('invalid_request', message)
      : new Retryable('unavailable', message);
  };
