import { setTimeout as sleep } from 'node:timers/promises';
import { isThrottlingError, isTransientError, StandardRetryStrategy } from '@smithy/core/retry';

const MAX_ATTEMPTS = 3;

/** Makes the calls on a service, each again while that can help: three times at most, by the rules of the SDK's clients. */
export class Attempts {
  readonly #retries = new StandardRetryStrategy(MAX_ATTEMPTS);

  async make<Result>(attempt: () => Promise<Result>): Promise<Result> {
    let token = await this.#retries.acquireInitialRetryToken('');
    for (;;) {
      try {
        const result = await attempt();
        this.#retries.recordSuccess(token);
        return result;
      } catch (error) {
        token = await this.#retries.refreshRetryTokenForRetry(token, { errorType: errorTypeOf(error) }).catch(() => {
          throw error;
        });
        await sleep(token.getRetryDelay());
      }
    }
  }
}

const CUT_SHORT = ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED'];

type SdkError = Parameters<typeof isTransientError>[0];

const errorTypeOf = (thrown: unknown) => {
  const error = (thrown instanceof Error ? thrown : new Error(String(thrown))) as SdkError & { code?: unknown };
  if (isThrottlingError(error)) return 'THROTTLING';
  return isTransientError(error) || CUT_SHORT.includes(String(error.code)) ? 'TRANSIENT' : 'CLIENT_ERROR';
};
