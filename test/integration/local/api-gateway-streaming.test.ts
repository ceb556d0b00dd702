import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { GATEWAY_RESPONSES } from '../../../contract/gateway-responses.ts';
import { route, startGateway, streaming } from './gateway-harness.ts';

const routes = [route('/v1/events', { function: 'events', streams: true })];

/** Opens a stream as a client does; resolves with its head. */
const open = async (url: string): Promise<IncomingMessage> => {
  const [response] = (await once(get(`${url}/v1/events`), 'response')) as [IncomingMessage];
  return response;
};

const closeOf = (stream: Readable) => finished(stream).catch(() => {});

test('the head comes before the first piece, and each piece as it is made', async () => {
  const source = new PassThrough();
  const { url } = await startGateway(routes, {
    events: streaming(() => source, { 'content-type': 'text/event-stream' }),
  });

  const response = await open(url);
  expect(response.headers['content-type']).toBe('text/event-stream');
  for (const piece of ['id: 1\n\n', 'id: 2\n\n']) {
    source.write(piece);
    expect(String((await once(response, 'data'))[0])).toBe(piece);
  }
  source.end();
  await once(response, 'end');
});

test('a client that goes away destroys the source', async () => {
  const source = new Readable({ read() {} });
  const { url, faults } = await startGateway(routes, { events: streaming(() => source) });
  const closed = closeOf(source);

  const response = await open(url);
  source.push('id: 1\n\n');
  await once(response, 'data');
  response.destroy();

  await closed;
  expect(faults).toHaveLength(0);
});

test('a client that goes away ends a generator in its finally', async () => {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  async function* ticks() {
    try {
      for (;;) {
        yield 'tick\n';
        await new Promise((next) => setImmediate(next));
      }
    } finally {
      resolve();
    }
  }
  const { url } = await startGateway(routes, {
    events: streaming(() => Readable.from(ticks(), { objectMode: false })),
  });

  const response = await open(url);
  await once(response, 'data');
  response.destroy();

  await ended;
});

test('a client that does not read stops the source', async () => {
  let made = 0;
  async function* pieces() {
    for (; made < 5_000; made += 1) {
      yield 'x'.repeat(16 * 1024);
      await new Promise((next) => setImmediate(next));
    }
  }
  const { url } = await startGateway(routes, {
    events: streaming(() => Readable.from(pieces(), { objectMode: false })),
  });

  const response = await open(url);
  let before: number;
  do {
    before = made;
    for (let turn = 0; turn < 200; turn += 1) await new Promise((next) => setImmediate(next));
  } while (made > before);

  expect(made).toBeLessThan(5_000);
  response.destroy();
});

test('a source that fails in the middle cuts the answer off', async () => {
  const source = new PassThrough();
  const { url, faults } = await startGateway(routes, { events: streaming(() => source) });

  const response = await open(url);
  source.write('half');
  await once(response, 'data');
  source.destroy(new Error('lost'));

  await expect(once(response, 'end')).rejects.toThrow('aborted');
  expect(faults).toMatchObject([{ message: 'lost' }]);
});

test('a function that fails before it answers is a problem', async () => {
  const events = () =>
    Object.assign(
      async () => {
        throw new Error('early');
      },
      { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response' },
    );
  const { url } = await startGateway(routes, { events });

  const response = await fetch(`${url}/v1/events`);

  expect(response.status).toBe(GATEWAY_RESPONSES.DEFAULT_5XX.status);
  expect(await response.json()).toEqual(GATEWAY_RESPONSES.DEFAULT_5XX);
});

test('closing the gateway ends open streams and their sources', async () => {
  const source = new Readable({ read() {} });
  const gateway = await startGateway(routes, { events: streaming(() => source) });
  const response = await open(gateway.url);
  const cut = expect(once(response, 'end')).rejects.toThrow('aborted');
  response.resume();

  await Promise.all([gateway.close(), closeOf(source), cut]);
});
