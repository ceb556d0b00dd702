import type { Instance } from './instance.ts';
import type { InstanceJob, InstanceQuery } from './instance-job.ts';

/** What must be known of an instance to speak to it. */
export type Reachable = Pick<Instance, 'instanceId' | 'endpoint'>;

/** How the control plane speaks to an instance. */
export interface InstanceClient {
  /**
   * Hands a job to an instance. Repeating it is harmless.
   * @throws {Retryable} `unavailable` when the instance can not be reached or is starting
   */
  startJob(instance: Reachable, job: InstanceJob): Promise<void>;
  /**
   * Stops a job; when this resolves it does not run any more. One that does not run is stopped already.
   * @throws {Retryable} `unavailable`
   * @throws {Unknown} the job is in the middle of something that can not be interrupted, and ends after it
   */
  stopJob(instance: Reachable, job: Pick<InstanceJob, 'operationId' | 'kind'>): Promise<void>;
  /**
   * Removes what the instance holds of a graph. What is not there is removed already.
   * @throws {Retryable} `unavailable`
   */
  dropDatabase(instance: Reachable, graphId: string): Promise<void>;
  /**
   * Runs a query and streams the answer's NDJSON lines as they come.
   * @throws {Refusal} `read_only`, `query_failed`, `query_timeout`
   * @throws {Retryable} `unavailable`
   */
  query(instance: Reachable, query: InstanceQuery): Promise<AsyncIterable<Uint8Array>>;
}
