import { Refusal, Retryable } from '../../domain/failure.ts';
import { HEARTBEAT_SECONDS } from '../../domain/fleet/heartbeat.ts';
import type { InstanceJob, JobKind, JobOf } from '../../domain/fleet/instance-job.ts';
import { holdingOfLease } from '../../domain/lease/lease.ts';
import { reportFailure } from '../../domain/operation/failure-report.ts';
import { type Logger, workingOn } from '../logger.ts';
import type { Holdings } from './holdings.ts';
import type { JobJournal, UnfinishedJob } from './job-journal.ts';
import type { TaskReporter } from './task-reporter.ts';

/**
 * Does a job's work. Repeating it, even after a half-done run, leads to the same end; repeating it when the operation
 * has moved on changes nothing. What can be interrupted ends when the signal aborts; all else looks at it between its
 * steps. When the promise settles nothing of the work goes on. The job's lease is the one that it is held by now: handed over
 * again while it runs, it has another one.
 */
export type JobWork<Kind extends JobKind = JobKind> = (job: JobOf<Kind>, signal: AbortSignal) => Promise<void>;

/** The work of every kind of job. */
export type JobWorks = { readonly [Kind in JobKind]: JobWork<Kind> };

const HEARTBEAT_MS = HEARTBEAT_SECONDS * 1_000;

/** What it was handed over with last: it reports by this token and holds the instance by this lease. */
type Handing = Pick<InstanceJob, 'taskToken' | 'leaseId' | 'generation'>;
type Running = { job: InstanceJob; handing: Handing; done: Promise<void>; controller: AbortController };

/**
 * Runs jobs and reports them to their workflows. A job that is handed over twice runs once: the second handing over
 * only replaces the token that is reported to, and the lease that is let go when the work has settled. A job that ended
 * is forgotten; handed over again it is done again.
 */
export class JobRunner {
  readonly #works: JobWorks;
  readonly #reporter: TaskReporter;
  readonly #journal: JobJournal;
  readonly #holdings: Holdings;
  readonly #logger: Logger;
  readonly #running = new Map<string, Running>();
  readonly #turns = new Map<string, Promise<void>>();
  #stopping = false;

  constructor(works: JobWorks, holdings: Holdings, reporter: TaskReporter, journal: JobJournal, logger: Logger) {
    this.#works = works;
    this.#holdings = holdings;
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
   * @throws {LeaseLost} nobody is counted as busy here for it
   */
  async start(job: InstanceJob): Promise<void> {
    const key = `${job.operationId}.${job.kind}`;
    await this.#inTurn(key, async () => {
      if (this.#stopping) throw new Retryable('unavailable', 'The instance is stopping.');
      const { taskToken, leaseId, generation } = job;
      const handing = { taskToken, leaseId, generation };
      const running = this.#running.get(key);
      await this.#holdings.begin(handing);
      await this.#journal.begin(key, taskToken).catch(async (error: unknown) => {
        if (running?.handing.leaseId !== leaseId) await this.#holdings.end(handing);
        throw error;
      });
      if (running !== undefined) {
        const before = running.handing;
        if (before.leaseId === leaseId) running.handing = handing;
        else await this.#holdings.end(this.#adopt(running, handing));
        return;
      }
      const started = { job: { ...job }, handing, done: Promise.resolve(), controller: new AbortController() };
      this.#running.set(key, started);
      const { operationId, graphId, tenantId } = job;
      started.done = workingOn({ operationId, graphId, tenantId }, () => this.#run(key, started));
    });
  }

  /** Stops a job. When this resolves it does not run any more. */
  async abort(key: string): Promise<void> {
    // After a start that is under way.
    const running = await this.#inTurn(key, async () => this.#running.get(key));
    running?.controller.abort(new Refusal('operation_over', 'The job was stopped.'));
    await running?.done;
  }

  /** Takes no more jobs and waits for those that run. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  /** The later handing counts. @returns the one that does not */
  #adopt(running: Running, handing: Handing): Handing {
    const { handing: before } = running;
    if (holdingOfLease(handing.leaseId) < holdingOfLease(before.leaseId)) return handing;
    running.handing = handing;
    running.job.leaseId = handing.leaseId;
    return before;
  }

  async #run(key: string, running: Running): Promise<void> {
    const { job } = running;
    this.#logger.info('A job begins', { job: key, leaseId: running.handing.leaseId });
    const heartbeats = setInterval(() => void this.#reporter.heartbeat(running.handing.taskToken), HEARTBEAT_MS);
    let failure: unknown;
    try {
      // The work of the job's own kind, which the compiler can not see for a union.
      await (this.#works[job.kind] as JobWork)(job, running.controller.signal);
    } catch (error) {
      failure = error;
      this.#logger.error('A job failed', { job: key, error: error as Error });
    }
    this.#logger.info('A job has settled', { job: key, leaseId: running.handing.leaseId });
    // A token that comes while another is being reported is reported as well, and a lease is let go as well.
    for (let over = false; !over; ) {
      const reported = running.handing;
      await this.#holdings.end(reported);
      await this.#report(key, reported.taskToken, failure);
      over = await this.#inTurn(key, async () => {
        if (running.handing !== reported) return false;
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
