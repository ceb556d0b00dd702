import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ownTarget, type Target } from './target.ts';

export type Answer = { status: number; headers: Headers; body: Record<string, unknown> };
type Call = { method?: string; body?: unknown; text?: string; token?: string | null; headers?: Record<string, string> };

/** A client of the API, as an application team would write one. */
export class Client {
  readonly target: Target;

  constructor(target: Target = ownTarget()) {
    this.target = target;
  }

  /** A call as the tenant, unless another token, or none, is given. */
  async fetch(
    path: string,
    { method, body, text, token = this.target.tokens.tenant, headers = {} }: Call = {},
  ): Promise<Response> {
    const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
    return fetch(new URL(path, this.target.url), {
      method: method ?? (content === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content !== undefined && { body: content }),
    });
  }

  /** A call whose answer is JSON. */
  async call(path: string, options: Call = {}): Promise<Answer> {
    const response = await this.fetch(path, options);
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  }

  /** Follows an operation by SSE, resuming as a browser does, to its terminal event. Returns every event, in order. */
  async follow(operationId: string, after = 0): Promise<StreamedEvent[]> {
    const events: StreamedEvent[] = [];
    for (let resumed = 0; resumed < 10; resumed += 1) {
      const last = events.at(-1)?.seq ?? after;
      const response = await this.stream(operationId, last);
      if (response.status === 204) return events;
      for await (const event of streamedEvents(response)) events.push(event);
      if (TERMINAL.has(events.at(-1)?.status ?? '')) return events;
    }
    throw new Error(`The operation ${operationId} did not end: ${JSON.stringify(events.at(-1))}`);
  }

  stream(operationId: string, after: number): Promise<Response> {
    return this.fetch(`/v1/operations/${operationId}/events`, {
      headers: { accept: 'text/event-stream', 'last-event-id': String(after) },
    });
  }

  /** Creates a graph and waits until it can be used. */
  async createGraph(
    request: Record<string, unknown>,
  ): Promise<{ graphId: string; operationId: string; events: StreamedEvent[] }> {
    const { status, body } = await this.call('/v1/graphs', { body: request });
    if (status !== 202) throw new Error(`${status}: ${JSON.stringify(body)}`);
    const { graphId, operationId } = body as { graphId: string; operationId: string };
    return { graphId, operationId, events: await this.follow(operationId) };
  }

  async query(graphId: string, cypher: string, parameters: Record<string, unknown> = {}): Promise<Answer> {
    return this.call(`/v1/graphs/${graphId}/query`, { body: { cypher, parameters } });
  }
}

export type StreamedEvent = {
  seq: number;
  type: string;
  status: string;
  percent: number;
  message: string;
  step: string | null;
  detail: Record<string, unknown>;
};

const TERMINAL = new Set(['succeeded', 'partial', 'failed', 'cancelled', 'timed_out', 'compensation_failed']);

/** The operation's events of a stream, checked: the SSE id is the event's seq. */
export async function* streamedEvents(response: Response): AsyncGenerator<StreamedEvent> {
  for await (const message of messages(response)) {
    if (message.id === undefined) continue;
    const event = JSON.parse(message.data) as StreamedEvent;
    if (String(event.seq) !== message.id || message.event !== event.type)
      throw new Error(`A wrong id: ${JSON.stringify(message)}`);
    yield event;
  }
}

async function* messages(response: Response): AsyncGenerator<EventSourceMessage> {
  const pending: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => pending.push(message) });
  const decoder = new TextDecoder();
  if (response.body === null) return;
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    yield* pending.splice(0);
  }
}
