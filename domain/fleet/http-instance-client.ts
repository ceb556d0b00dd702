import { FAILURE_STATUS, type FailureCode, Refusal, Retryable } from '../failure.ts';
import type { Instance } from './instance.ts';
import type { InstanceClient } from './instance-client.ts';
import { type InstanceJob, type InstanceQuery, InstanceRefusal } from './instance-job.ts';

/** A job is only taken, not done, within this call; a graph's first query may have to fetch its snapshot. */
const TAKE_TIMEOUT_MS = 5_000;
const SNAPSHOT_LOAD_ALLOWANCE_MS = 20_000;

/** Speaks to instances over HTTP, inside the network. */
export class HttpInstanceClient implements InstanceClient {
  async startJob(instance: Instance, job: InstanceJob): Promise<void> {
    await call(instance, 'PUT', `/jobs/${job.operationId}.${job.kind}`, TAKE_TIMEOUT_MS, job);
  }

  async dropDatabase(instance: Instance, graphId: string): Promise<void> {
    await call(instance, 'DELETE', `/databases/${graphId}`, TAKE_TIMEOUT_MS);
  }

  async query(instance: Instance, query: InstanceQuery): Promise<AsyncIterable<Uint8Array>> {
    const timeoutMs = query.timeoutMs + SNAPSHOT_LOAD_ALLOWANCE_MS;
    const { body } = await call(instance, 'POST', '/queries', timeoutMs, query);
    if (body === null) throw new Retryable('unavailable', `Instance "${instance.instanceId}" answered nothing.`);
    return body;
  }
}

const call = async (
  { endpoint, instanceId }: Instance,
  method: string,
  path: string,
  timeoutMs: number,
  content?: unknown,
): Promise<Response> => {
  let response: Response;
  try {
    response = await fetch(new URL(path, endpoint), {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(content !== undefined && { body: JSON.stringify(content), headers: { 'content-type': 'application/json' } }),
    });
  } catch (cause) {
    throw new Retryable('unavailable', `Instance "${instanceId}" does not answer.`, { cause, delaySeconds: 2 });
  }
  if (response.ok) return response;
  throw await refusalFrom(response, instanceId);
};

const refusalFrom = async (response: Response, instanceId: string): Promise<Refusal | Retryable> => {
  const parsed = InstanceRefusal.safeParse(await response.json().catch(() => undefined));
  if (response.status >= 500 || !parsed.success || !(parsed.data.code in FAILURE_STATUS)) {
    return new Retryable('unavailable', `Instance "${instanceId}" can not serve this now (${response.status}).`);
  }
  return new Refusal(parsed.data.code as FailureCode, parsed.data.message);
};
