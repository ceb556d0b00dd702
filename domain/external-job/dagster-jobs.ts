import type * as z from 'zod';
import { Retryable, Terminal, Unknown } from '../failure.ts';
import { uuidOf } from '../identifier.ts';
import {
  FIND_RUN,
  GraphQlAnswer,
  GraphQlErrors,
  LAUNCH_RUN,
  type Member,
  STATUS_OF_RUN,
  TERMINATE_RUN,
} from './dagster-api.ts';
import type { DagsterSettings } from './dagster-settings.ts';
import { type ExternalJobRequest, type ExternalJobState, type ExternalJobs, isJobOver } from './external-job.ts';

const READ_TIMEOUT_MS = 3_000;
/** Before it answers, Dagster loads the code of the job. */
const WRITE_TIMEOUT_MS = 10_000;

/** What is there already, and what somebody may mend: all else that `launchRun` answers is so for good. */
const MAY_BE_THERE = ['RunConflict', 'PythonError'];

/**
 * Jobs as runs of Dagster. A run's id is derived from the operation's, and Dagster has one run of an id: so a start that
 * is repeated, even at the same moment, starts nothing more. The run is tagged with the operation for people to find. What
 * does not succeed is tried again by the workflow, which knows for how long.
 */
export class DagsterJobs implements ExternalJobs {
  readonly #settings: DagsterSettings;
  readonly #token: () => Promise<string | undefined>;

  constructor(settings: DagsterSettings, token: () => Promise<string | undefined>) {
    this.#settings = settings;
    this.#token = token;
  }

  async start(operationId: string, { job, config }: ExternalJobRequest): Promise<void> {
    const selector = Object.hasOwn(this.#settings.jobs, job) ? this.#settings.jobs[job] : undefined;
    if (selector === undefined) throw new Terminal('not_found', `There is no job "${job}" any more.`);
    if ((await this.state(operationId)) !== undefined) return;
    const tags = [{ key: 'graphfleet/operation', value: operationId }];
    const executionMetadata = { runId: uuidOf(operationId), tags };
    const executionParams = { selector, runConfigData: config, executionMetadata };
    const { __typename, message, errors } = await this.#write(LAUNCH_RUN, { executionParams });
    if (__typename === 'LaunchRunSuccess') return;
    if (MAY_BE_THERE.includes(__typename)) {
      if ((await this.state(operationId)) !== undefined) return;
      throw new Retryable('unavailable', `Dagster could not launch the job "${job}": ${message}`);
    }
    const reasons = errors.map((error) => error.message).join(' ') || message || __typename;
    throw new Terminal('invalid_request', `Dagster does not take the job "${job}": ${reasons}`);
  }

  async state(operationId: string): Promise<ExternalJobState | undefined> {
    const runId = uuidOf(operationId);
    const member = await this.#ask(FIND_RUN, { runId }, READ_TIMEOUT_MS);
    if (member.__typename === 'RunNotFoundError') return undefined;
    if (member.status === undefined) throw notAnswering(member.message);
    const message = `Dagster run ${runId}: ${member.status}`;
    return { status: STATUS_OF_RUN[member.status], message, url: new URL(`runs/${runId}`, this.#base).href };
  }

  async terminate(operationId: string): Promise<ExternalJobState | undefined> {
    const before = await this.state(operationId);
    if (before === undefined || isJobOver(before)) return before;
    const { __typename, message } = await this.#write(TERMINATE_RUN, { runId: uuidOf(operationId) });
    const now = await this.state(operationId);
    if (__typename === 'TerminateRunSuccess' || now === undefined || isJobOver(now)) return now;
    throw new Retryable('unavailable', `Dagster does not terminate the run now: ${message || __typename}`);
  }

  get #base(): string {
    return this.#settings.url.replace(/\/*$/, '/');
  }

  /** What changes something is asked once: when the answer is lost, it must be looked for before it is asked again. */
  async #write(query: string, variables: object): Promise<Member> {
    try {
      return await this.#ask(query, variables, WRITE_TIMEOUT_MS);
    } catch (cause) {
      if (!(cause instanceof Retryable)) throw cause;
      throw new Unknown('unavailable', 'Dagster did not answer; it may have done it.', { cause });
    }
  }

  async #ask(query: string, variables: object, timeoutMs: number): Promise<Member> {
    const token = await this.#token();
    const response = await fetch(new URL('graphql', this.#base), {
      method: 'POST',
      // The first is for a proxy before Dagster, the second for Dagster+.
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}`, 'dagster-cloud-api-token': token }),
      },
      body: JSON.stringify({ query, variables }),
      // The token is for this address only.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((cause: unknown) => {
      throw notAnswering('it can not be reached.', cause);
    });
    const content: unknown = await response.json().catch(() => undefined);
    const answer = GraphQlAnswer.safeParse(content);
    if (response.ok && answer.success) return answer.data.data.answer;
    const errors = GraphQlErrors.safeParse(content);
    if (response.status < 500 && errors.success) {
      throw new Terminal('internal', `Dagster does not understand what it is asked: ${messageOf(errors.data)}`);
    }
    throw notAnswering(`it answers ${response.status}.`);
  }
}

const messageOf = ({ errors }: z.output<typeof GraphQlErrors>): string => errors[0]?.message ?? '';

const notAnswering = (how: string, cause?: unknown): Retryable =>
  new Retryable('unavailable', `Dagster does not serve this now: ${how}`, { cause, delaySeconds: 2 });
