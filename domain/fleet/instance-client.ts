import type { Instance } from './instance.ts';
import type { InstanceJob, InstanceQuery } from './instance-job.ts';

/** How the control plane speaks to an instance. */
export interface InstanceClient {
  /**
   * Hands a job to an instance. Repeating it is harmless.
   * @throws {Retryable} `unavailable` when the instance can not be reached or is starting
   */
  startJob(instance: Instance, job: InstanceJob): Promise<void>;
  /**
   * Removes what the instance holds of a graph. What is not there is removed already.
   * @throws {Retryable} `unavailable`
   */
  dropDatabase(instance: Instance, graphId: string): Promise<void>;
  /**
   * Runs a query and streams the answer's NDJSON lines as they come.
   * @throws {Refusal} `read_only`, `query_failed`, `query_timeout`
   * @throws {Retryable} `unavailable`
   */
  query(instance: Instance, query: InstanceQuery): Promise<AsyncIterable<Uint8Array>>;
}
