import {
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleType,
  isBrokenCircuitError,
  retry,
} from 'cockatiel';
import { FAILURE_STATUS, type FailureCode, Refusal, Retryable, Unknown } from '../failure.ts';
import { currentTrace, TRACE_HEADER } from '../trace.ts';
import type { InstanceClient, Reachable } from './instance-client.ts';
import { type InstanceJob, type InstanceQuery, InstanceRefusal } from './instance-job.ts';

/** A job is only taken, not done, within this call; a graph's first query may have to fetch its snapshot. */
const TAKE_TIMEOUT_MS = 5_000;
const SNAPSHOT_LOAD_ALLOWANCE_MS = 20_000;

/** An instance that restarts is back within a second: a reader waits for it, twice, at random around these times. */
const unavailable = handleType(Retryable, ({ code }) => code === 'unavailable');
const tryAgain = retry(unavailable, {
  maxAttempts: 2,
  backoff: new ExponentialBackoff({ initialDelay: 200, maxDelay: 1_000 }),
});
const FAILURES_IN_A_ROW = 10;
const OPEN_MS = 2_000;

/**
 * Speaks to instances over HTTP, inside the network. After ten failures in a row an instance is left alone for two
 * seconds: callers hear at once that it is not there, and it is not met by all of them when it comes back.
 */
export class HttpInstanceClient implements InstanceClient {
  readonly #breakers = new Map<string, CircuitBreakerPolicy>();

  async startJob(instance: Reachable, job: InstanceJob): Promise<void> {
    await this.#write(instance, 'PUT', `/jobs/${job.operationId}.${job.kind}`, job);
  }

  async stopJob(instance: Reachable, { operationId, kind }: Pick<InstanceJob, 'operationId' | 'kind'>): Promise<void> {
    await this.#write(instance, 'DELETE', `/jobs/${operationId}.${kind}`);
  }

  async dropDatabase(instance: Reachable, graphId: string): Promise<void> {
    await this.#write(instance, 'DELETE', `/databases/${graphId}`);
  }

  async query(instance: Reachable, query: InstanceQuery): Promise<AsyncIterable<Uint8Array>> {
    const timeoutMs = query.timeoutMs + SNAPSHOT_LOAD_ALLOWANCE_MS;
    const { body } = await tryAgain.execute(() =>
      this.#call(instance, { method: 'POST', path: '/queries', timeoutMs }, query),
    );
    if (body === null) throw new Retryable('unavailable', `Instance "${instance.instanceId}" answered nothing.`);
    return body;
  }

  /** A write is tried again by its workflow, which knows for how long; here it is only told what became of it. */
  async #write(instance: Reachable, method: 'PUT' | 'DELETE', path: string, content?: unknown): Promise<void> {
    await this.#call(instance, { method, path, timeoutMs: TAKE_TIMEOUT_MS }, content);
  }

  async #call(instance: Reachable, request: Request, content?: unknown): Promise<Response> {
    try {
      return await this.#breakerOf(instance).execute(() => call(instance, request, content));
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      throw notAnswering(instance, error);
    }
  }

  #breakerOf({ endpoint }: Reachable): CircuitBreakerPolicy {
    const breaker =
      this.#breakers.get(endpoint) ??
      circuitBreaker(unavailable, { halfOpenAfter: OPEN_MS, breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW) });
    this.#breakers.set(endpoint, breaker);
    return breaker;
  }
}

type Request = { method: 'PUT' | 'DELETE' | 'POST'; path: string; timeoutMs: number };

const call = async (instance: Reachable, request: Request, content: unknown): Promise<Response> => {
  const { method, path, timeoutMs } = request;
  const trace = currentTrace();
  const response = await fetch(new URL(path, instance.endpoint), {
    method,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      ...(content !== undefined && { 'content-type': 'application/json' }),
      ...(trace !== undefined && { [TRACE_HEADER]: trace }),
    },
    ...(content !== undefined && { body: JSON.stringify(content) }),
  }).catch((cause: unknown) => {
    const timedOut = cause instanceof Error && cause.name === 'TimeoutError';
    if (!timedOut) throw notAnswering(instance, cause);
    // A write that was not answered in time may have been done; every write may be repeated, and that is the check. A
    // query that the engine does not end says nothing of the instance.
    throw method === 'POST'
      ? new Refusal('query_timeout', 'The query took too long.', { cause })
      : unanswered(instance, cause);
  });
  if (response.ok) return response;
  throw await refusalFrom(response, instance);
};

const notAnswering = ({ instanceId }: Reachable, cause: unknown): Retryable =>
  new Retryable('unavailable', `Instance "${instanceId}" does not answer.`, { cause, delaySeconds: 2 });

const unanswered = ({ instanceId }: Reachable, cause: unknown): Unknown =>
  new Unknown('unavailable', `Instance "${instanceId}" did not answer in time; it may have done it.`, { cause });

const refusalFrom = async (response: Response, { instanceId }: Reachable): Promise<Refusal | Retryable> => {
  const parsed = InstanceRefusal.safeParse(await response.json().catch(() => undefined));
  // It answers, and failed at this: neither asked again at once nor counted against it, as one graph's may be spoilt.
  if (parsed.success && parsed.data.code === 'internal') return new Retryable('internal', parsed.data.message);
  if (response.status >= 500 || !parsed.success || !(parsed.data.code in FAILURE_STATUS)) {
    return new Retryable('unavailable', `Instance "${instanceId}" can not serve this now (${response.status}).`);
  }
  return new Refusal(parsed.data.code as FailureCode, parsed.data.message);
};
