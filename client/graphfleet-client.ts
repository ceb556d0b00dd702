import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Problem } from '../contract/api/common.ts';
import type { AcceptedView, EventView, OperationView } from '../contract/api/operations.ts';
import type { RefreshedInstanceView, RefreshFleet, RefreshPlanView } from '../contract/api/refresh-routes.ts';

/** Where the API is, and the bearer token of whoever calls. */
export type ClientOptions = { url: string; token: string };
type Call = { method?: string; body?: unknown; headers?: Record<string, string> };

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** Some 25 minutes: an outage of minutes does not end what follows a refresh of hours. */
const MOST_FAILURES = 150;
/** A stream says something every 15 s, if only that it is there. */
const SILENCE_MS = 45_000;

/** The API has refused a call, or could not serve it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  readonly problem: Partial<Problem>;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The API answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

/** A client of the API, for pipelines and tools. */
export class GraphfleetClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Starts a refresh of the fleet. With the same key again it is the same refresh. */
  async refreshFleet(asked: RefreshFleet, idempotencyKey?: string): Promise<AcceptedView> {
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    return this.#json('/v1/fleet/refreshes', { method: 'POST', body: { ...asked, dryRun: false }, headers });
  }

  /** Tells what a refresh would do. */
  async planRefresh(asked: RefreshFleet): Promise<RefreshPlanView> {
    return this.#json('/v1/fleet/refreshes', { method: 'POST', body: { ...asked, dryRun: true } });
  }

  /** The instances of a refresh in order, as they are now. */
  async *refreshedInstances(operationId: string): AsyncGenerator<RefreshedInstanceView> {
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ limit: '100', ...(cursor !== null && { cursor }) });
      const page: { instances: RefreshedInstanceView[]; cursor: string | null } = await this.#json(
        `/v1/fleet/refreshes/${operationId}/instances?${query.toString()}`,
      );
      yield* page.instances;
      cursor = page.cursor;
    } while (cursor !== null);
  }

  async operation(operationId: string): Promise<OperationView> {
    return this.#json(`/v1/operations/${operationId}`);
  }

  async cancel(operationId: string): Promise<OperationView> {
    return this.#json(`/v1/operations/${operationId}`, { method: 'DELETE' });
  }

  /**
   * The events of an operation as they happen, each once and in order, until it is over: a connection that ends is taken
   * up again behind the last event.
   * @param after the seq of the last event that the caller has
   * @throws {ProblemError} the API refuses to tell of it
   * @throws {Error} it was not reached for long
   */
  async *follow(operationId: string, after = 0): AsyncGenerator<EventView> {
    let last = after;
    for (let failures = 0; ; ) {
      try {
        const response = await this.#fetch(`/v1/operations/${operationId}/events`, {
          headers: { accept: 'text/event-stream', 'last-event-id': String(last) },
        });
        // Nothing will follow: the operation is over.
        if (response.status === 204) return;
        let heard = false;
        for await (const event of eventsOf(response)) {
          heard = true;
          if (event.seq <= last) continue;
          last = event.seq;
          failures = 0;
          yield event;
        }
        // An answer of nothing comes at once where something between cuts streams off.
        if (!heard) await delay(FIRST_DELAY_MS);
      } catch (error) {
        if (error instanceof ProblemError && isRefusal(error)) throw error;
        if (failures >= MOST_FAILURES) throw error;
        await delay(Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS));
        failures += 1;
      }
    }
  }

  async #json<Answer>(path: string, call: Call = {}): Promise<Answer> {
    return (await (await this.#fetch(path, call)).json()) as Answer;
  }

  async #fetch(path: string, { method = 'GET', body, headers = {} }: Call): Promise<Response> {
    const response = await fetch(new URL(path, this.#options.url), {
      method,
      headers: {
        authorization: `Bearer ${this.#options.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const text = await response.text();
    throw new ProblemError(response.status, problemIn(text));
  }
}

/** What asking again does not change; a limit changes by itself, but for one that says that it does not. */
const isRefusal = ({ status, problem }: ProblemError): boolean =>
  status < 500 && (status !== 429 || problem.retryable === false);

const problemIn = (text: string): Partial<Problem> => {
  try {
    return Object(JSON.parse(text)) as Partial<Problem>;
  } catch {
    return {};
  }
};

/** The events of a stream. One that has gone silent is broken. */
async function* eventsOf(response: Response): AsyncGenerator<EventView> {
  if (response.body === null) return;
  const pending: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => pending.push(message) });
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinTime(reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      for (const { data, id } of pending.splice(0)) if (id !== undefined) yield JSON.parse(data) as EventView;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const withinTime = async <Result>(work: Promise<Result>): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The stream has gone silent.')), SILENCE_MS);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
};

const delay = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
