import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { Context } from 'aws-lambda';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { InvocationRefused, TimedOut } from '../../../local/lambda/function-error.ts';
import type { ResponseHead } from '../../../local/lambda/response-stream.ts';
import { type Lambda, type LambdaOptions, startLambda } from '../../../local/lambda/start-lambda.ts';

const definition = { folder: 'api', environment: z.object({}), timeoutSeconds: 10 };

/** Lambda with one function, "subject". The handler is made when it is loaded, as a module's is. */
const lambdaWith = (make: () => unknown, more: Partial<LambdaOptions> & { timeoutSeconds?: number } = {}): Lambda =>
  startLambda({
    functions: { subject: { ...definition, timeoutSeconds: more.timeoutSeconds ?? 10 } },
    environments: {},
    common: {},
    region: 'eu-west-1',
    accountId: '000000000000',
    load: async () => ({ handler: make() }),
    ...more,
  });

const streaming = (body: () => Readable) =>
  middy({ executionMode: executionModeStreamifyResponse }).handler(async () => ({ statusCode: 200, body: body() }));

/** Resolves when a stream is closed, with an error or without. */
const closeOf = (stream: Readable) => finished(stream).catch(() => {});

const never = new AbortController().signal;

/** Takes an answer as a client does. */
const recorder = () => {
  const { promise: head, resolve } = Promise.withResolvers<ResponseHead>();
  const body = new PassThrough();
  const respond = (received: ResponseHead) => {
    resolve(received);
    return body;
  };
  return { head, body, respond };
};

test('a function gets a copy of its event and a context that speaks of itself', async () => {
  const lambda = lambdaWith(() => async (event: { list: number[] }, context: Context) => {
    event.list.push(2);
    const { functionName, invokedFunctionArn } = context;
    return {
      list: event.list,
      functionName,
      invokedFunctionArn,
      left: context.getRemainingTimeInMillis() > 0,
      nothing: undefined,
    };
  });
  const event = { list: [1] };

  const answer = await lambda.invoke('arn:aws:lambda:eu-west-1:000000000000:function:subject', event);

  const invokedFunctionArn = 'arn:aws:lambda:eu-west-1:000000000000:function:subject';
  expect(answer).toEqual({ list: [1, 2], functionName: 'subject', invokedFunctionArn, left: true });
  expect(event).toEqual({ list: [1] });
});

test('what a function throws reaches the caller with its name', async () => {
  const lambda = lambdaWith(() => async () => {
    throw Object.assign(new Error('no'), { name: 'Refusal' });
  });

  await expect(lambda.invoke('subject', {})).rejects.toMatchObject({ name: 'Refusal', message: 'no' });
});

test('a function that takes too long fails as Sandbox.Timedout', async () => {
  const lambda = lambdaWith(() => () => new Promise(() => {}), { timeoutSeconds: 0.01 });

  const failure = await lambda.invoke('subject', {}).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(TimedOut);
  expect(failure).toMatchObject({ name: 'Sandbox.Timedout' });
});

test('a function that does not exist, or is called in the wrong way, is refused', async () => {
  const lambda = lambdaWith(() => async () => 'buffered');

  await expect(lambda.invoke('other', {})).rejects.toThrow(InvocationRefused);
  await expect(lambda.invokeStreaming('subject', {}, recorder().respond, never)).rejects.toThrow(InvocationRefused);
});

test('loading all functions shows one that can not load', async () => {
  const lambda = lambdaWith(() => {
    throw new Error('broken at the top level');
  });

  await expect(lambda.loadAll()).rejects.toThrow('broken at the top level');
});

test('a middy pipeline streams through: the head first, then every piece as it comes', async () => {
  const source = new PassThrough();
  const lambda = lambdaWith(() => streaming(() => source));
  const { head, body, respond } = recorder();

  const done = lambda.invokeStreaming('subject', {}, respond, never);

  expect(await head).toEqual({ statusCode: 200 });
  source.write('one');
  expect(String((await once(body, 'data'))[0])).toBe('one');
  source.end('two');
  expect(await text(body)).toBe('two');
  await done;
});

test('a slow reader slows the source down', async () => {
  let made = 0;
  function* pieces() {
    for (; made < 1_000; made += 1) yield Buffer.alloc(16 * 1024, 'x');
  }
  const lambda = lambdaWith(() => streaming(() => Readable.from(pieces(), { objectMode: false })));
  const { head, body, respond } = recorder();

  const done = lambda.invokeStreaming('subject', {}, respond, never);
  await head;
  await once(body, 'readable');
  expect(made).toBeLessThan(100);
  expect(await text(body)).toHaveLength(1_000 * 16 * 1024);
  await done;
});

test('when the client goes, the source is destroyed and the call ends', async () => {
  const source = new Readable({ read() {} });
  const lambda = lambdaWith(() => streaming(() => source));
  const client = new AbortController();
  const { head, respond } = recorder();
  const closed = closeOf(source);

  const done = lambda.invokeStreaming('subject', {}, respond, client.signal);
  await head;
  client.abort(new Error('cut'));

  await expect(done).rejects.toThrow('cut');
  await closed;
});

test('a client that was gone before the answer began leaves no source open', async () => {
  const { promise: opened, resolve } = Promise.withResolvers<Readable>();
  const lambda = lambdaWith(() =>
    streaming(() => {
      const source = new Readable({ read() {} });
      resolve(source);
      return source;
    }),
  );

  await expect(lambda.invokeStreaming('subject', {}, recorder().respond, AbortSignal.abort())).rejects.toThrow();

  await closeOf(await opened);
});

test('a streaming function that takes too long has its stream destroyed', async () => {
  const source = new Readable({ read() {} });
  const lambda = lambdaWith(() => streaming(() => source), { timeoutSeconds: 0.05 });

  await expect(lambda.invokeStreaming('subject', {}, recorder().respond, never)).rejects.toThrow(TimedOut);

  await closeOf(source);
});

test('the functions share one environment, and a conflict or a gap in it stops the start', () => {
  const functions = {
    first: { ...definition, environment: z.object({ SHARED_NAME: z.string() }) },
    second: definition,
  };
  const start = (first: Record<string, string>, second: Record<string, string>) =>
    lambdaWith(() => async () => null, { functions, environments: { first, second } });

  start({ SHARED_NAME: 'a' }, { SHARED_NAME: 'a' });
  expect(process.env['SHARED_NAME']).toBe('a');
  expect(() => start({ SHARED_NAME: 'a' }, { SHARED_NAME: 'b' })).toThrow(
    '"second" and "first" need different values of SHARED_NAME',
  );
  expect(() => start({}, {})).toThrow('The environment of "first" is not valid: SHARED_NAME');
});
