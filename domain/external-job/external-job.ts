export const EXTERNAL_JOB_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'canceled'] as const;
export type ExternalJobStatus = (typeof EXTERNAL_JOB_STATUSES)[number];

/** What an operation asks for: a job by the name that the operator gave it, never by an address. */
export type ExternalJobRequest = { job: string; config: Record<string, unknown> };

/** A job elsewhere, as it is now. */
export type ExternalJobState = {
  status: ExternalJobStatus;
  /** For people: how it is called where it runs, and what it does there. */
  message: string;
  /** Where a person can watch it. */
  url: string;
};

/** Nothing of the job runs any more, or will. */
export const isJobOver = ({ status }: ExternalJobState): boolean => status !== 'queued' && status !== 'running';

/** Jobs that run elsewhere. An operation has one at most, which is found by the operation's id. */
export interface ExternalJobs {
  /**
   * Starts the job of an operation, once, however often it is asked to.
   * @throws {Terminal} there is no such job, or it does not take this configuration
   * @throws {Unknown} the answer was lost: asking again finds what was started
   */
  start(operationId: string, request: ExternalJobRequest): Promise<void>;
  /**
   * The job of an operation; undefined when it was never started.
   * @throws {Retryable}
   */
  state(operationId: string): Promise<ExternalJobState | undefined>;
  /**
   * Asks that the job be terminated, unless it is over. That it is asked for does not mean that it is done.
   * @returns the job as it is after that
   * @throws {Retryable} also when it can not be terminated at this moment
   */
  terminate(operationId: string): Promise<ExternalJobState | undefined>;
}
