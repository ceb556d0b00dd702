import { createServer, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { EXIT_CODES, exitCodeOf } from '../../../client/exit-codes.ts';
import { GraphfleetClient, ProblemError } from '../../../client/graphfleet-client.ts';
import { GATEWAY_RESPONSES } from '../../../contract/gateway-responses.ts';
import { listenOnLoopback } from '../../../local/loopback.ts';

const EVENTS = ['accepted', 'started', 'progress', 'succeeded'].map((type, at) => ({ seq: at + 1, type }));
const streamAfter = (last: number): string =>
  `retry: 1000\n\n${EVENTS.filter(({ seq }) => seq > last)
    .map((event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')}`;

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A service that cuts its first answer after so many bytes, and then serves as the API does. */
const serve = async (cutAfter: number, answer?: { status: number; body: object }) => {
  const asked: string[] = [];
  server = createServer((request, response) => {
    const last = request.headers['last-event-id'] as string;
    asked.push(last);
    if (answer !== undefined) {
      response.writeHead(answer.status, { 'content-type': 'application/problem+json' });
      return response.end(JSON.stringify(answer.body));
    }
    if (Number(last) === EVENTS.length) return response.writeHead(204).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const stream = streamAfter(Number(last));
    if (asked.length > 1) return response.end(stream);
    return response.write(stream.slice(0, cutAfter), () => response.destroy());
  });
  const { url } = await listenOnLoopback(server);
  return { client: new GraphfleetClient({ url, token: 'a-token' }), asked };
};

const seqsOf = async (client: GraphfleetClient): Promise<number[]> => {
  const seqs: number[] = [];
  for await (const { seq } of client.follow('op_1')) seqs.push(seq);
  return seqs;
};

const places = [0, 1, 40, 80, 85, 90, 130, 160, streamAfter(0).length - 1];
test.each(places)(
  'a stream that is cut after %i bytes is taken up again without a gap or a repetition',
  async (cutAfter) => {
    const { client } = await serve(cutAfter);
    expect(await seqsOf(client)).toEqual([1, 2, 3, 4]);
  },
);

test.each([
  [404, { code: 'not_found', detail: 'There is no operation "op_1".' }],
  [429, GATEWAY_RESPONSES.QUOTA_EXCEEDED],
])('what the API refuses is not asked for again, and its problem is told: %i', async (status, body) => {
  const { client, asked } = await serve(0, { status, body });
  const error = await seqsOf(client).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ProblemError);
  expect(error).toMatchObject({ status, message: body.detail, problem: body });
  expect(asked).toHaveLength(1);
});

const ended = (status: string, outcome?: string, counts: Record<string, number> = {}) =>
  ({ status, result: outcome === undefined ? null : { outcome, counts } }) as Parameters<typeof exitCodeOf>[0];

test.each([
  ['refreshed', ended('succeeded', 'refreshed'), EXIT_CODES.done],
  ['unchanged', ended('succeeded', 'unchanged'), EXIT_CODES.done],
  ['something that is not known', ended('succeeded', 'partial'), EXIT_CODES.unknown],
  ['a success that does not say of what', ended('succeeded'), EXIT_CODES.unknown],
  ['deferred', ended('partial', 'deferred', { deferred: 1 }), EXIT_CODES.deferred],
  ['partial', ended('partial', 'partial', { refreshed: 1, deferred: 1 }), EXIT_CODES.partial],
  ['skipped', ended('partial', 'partial', { skipped: 1 }), EXIT_CODES.skipped],
  ['failed', ended('failed', 'failed', { failed: 1 }), EXIT_CODES.failed],
  ['cancelled', ended('cancelled'), EXIT_CODES.cancelled],
  ['not undone', ended('compensation_failed'), EXIT_CODES.needsPerson],
  ['not over', ended('running'), EXIT_CODES.unknown],
])('the command ends with a code of its own when a refresh is %s', (_what, operation, code) => {
  expect(exitCodeOf(operation)).toBe(code);
});
