import { Retryable } from '../../domain/failure.ts';
import type { InstanceJob, JobKind } from '../../domain/fleet/instance-job.ts';
import { reportFailure } from '../../domain/operation/failure-report.ts';
import type { Logger } from '../logger.ts';
import type { JobJournal, UnfinishedJob } from './job-journal.ts';
import type { TaskReporter } from './task-reporter.ts';

/**
 * Does a job's work. Repeating it, even after a half-done run, leads to the same end; repeating it when the operation
 * has moved on changes nothing.
 */
export type JobWork = (job: InstanceJob) => Promise<void>;

/** A workflow waits three times as long before it takes the job for lost. */
const HEARTBEAT_MS = 10_000;

type Running = { taskToken: string; done: Promise<void> };

/**
 * Runs jobs and reports them to their workflows. A job that is handed over twice runs once: the second handing over
 * only replaces the token that is reported to. A job that ended is forgotten; handed over again it is done again.
 */
export class JobRunner {
  readonly #works: Record<JobKind, JobWork>;
  readonly #reporter: TaskReporter;
  readonly #journal: JobJournal;
  readonly #logger: Logger;
  readonly #running = new Map<string, Running>();
  readonly #turns = new Map<string, Promise<void>>();
  #stopping = false;

  constructor(works: Record<JobKind, JobWork>, reporter: TaskReporter, journal: JobJournal, logger: Logger) {
    this.#works = works;
    this.#reporter = reporter;
    this.#journal = journal;
    this.#logger = logger;
  }

  /** Tells the workflows of jobs which an earlier process left unfinished that they must be handed over again. */
  async reportInterrupted(unfinished: readonly UnfinishedJob[]): Promise<void> {
    const interrupted = new Retryable('unavailable', 'The instance restarted during the job.');
    for (const { key, taskToken } of unfinished) {
      await this.#report(key, taskToken, interrupted);
      await this.#inTurn(key, async () => {
        if (!this.#running.has(key)) await this.#journal.end(key);
      });
    }
  }

  /**
   * Takes a job. It is on disk when this resolves.
   * @throws {Retryable} `unavailable` when the instance is stopping
   */
  async start(job: InstanceJob): Promise<void> {
    const key = `${job.operationId}.${job.kind}`;
    await this.#inTurn(key, async () => {
      if (this.#stopping) throw new Retryable('unavailable', 'The instance is stopping.');
      await this.#journal.begin(key, job.taskToken);
      const running = this.#running.get(key);
      if (running !== undefined) {
        running.taskToken = job.taskToken;
        return;
      }
      const started: Running = { taskToken: job.taskToken, done: Promise.resolve() };
      this.#running.set(key, started);
      started.done = this.#run(key, job, started);
    });
  }

  /** Takes no more jobs and waits for those that run. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #run(key: string, job: InstanceJob, running: Running): Promise<void> {
    const heartbeats = setInterval(() => void this.#reporter.heartbeat(running.taskToken), HEARTBEAT_MS);
    let failure: unknown;
    try {
      await this.#works[job.kind](job);
    } catch (error) {
      failure = error;
      this.#logger.error('A job failed', { job: key, error: error as Error });
    }
    // A token that comes while another is being reported is reported as well.
    for (let over = false; !over; ) {
      const reported = running.taskToken;
      await this.#report(key, reported, failure);
      over = await this.#inTurn(key, async () => {
        if (running.taskToken !== reported) return false;
        this.#running.delete(key);
        await this.#journal.end(key);
        return true;
      });
    }
    clearInterval(heartbeats);
  }

  /** What changes a job's file and its entry happens one after another, in the order of the calls. */
  #inTurn<Result>(key: string, turn: () => Promise<Result>): Promise<Result> {
    const result = (this.#turns.get(key) ?? Promise.resolve()).then(turn);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(key, settled);
    void settled.then(() => {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    });
    return result;
  }

  async #report(key: string, taskToken: string, failure: unknown): Promise<void> {
    try {
      if (failure === undefined) await this.#reporter.succeeded(taskToken);
      else await this.#reporter.failed(taskToken, reportFailure(failure));
    } catch (error) {
      // The workflow hears no more heartbeats and hands the job over again.
      this.#logger.warn('A job could not be reported', { job: key, error: error as Error });
    }
  }
}
