import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openSecret } from '../../../domain/aws/secrets-manager.ts';
import { withinTrace } from '../../../domain/trace.ts';
import { type Loopback, listenOnLoopback } from '../../../local/loopback.ts';
import { signatureOf } from '../../fixtures/signature-version-4.ts';

type Answer = { status?: number; body: string; cutAfterBytes?: number };
type Received = { method: string; path: string; query: URLSearchParams; headers: IncomingHttpHeaders; body: string };

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhooks-AbCdEf';
const MINUTE_MS = 60_000;
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' };

/** Secrets Manager: it answers in turn as the test says, the last answer again and again, and keeps what it was asked. */
let server: Loopback;
let answers: Answer[];
let received: Received[];

beforeAll(async () => {
  server = await listenOnLoopback(
    createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url: path = '', headers } = request;
        received.push({ method, path, query: new URLSearchParams(), headers, body });
        const { status = 200, body: content, cutAfterBytes } = answers[0] as Answer;
        if (answers.length > 1) answers.shift();
        response.writeHead(status, { 'content-length': Buffer.byteLength(content) });
        if (cutAfterBytes === undefined) response.end(content);
        else response.write(content.slice(0, cutAfterBytes), () => request.socket.destroy());
      });
    }),
  );
});
afterAll(() => server.close());

let now: number;
let read: () => Promise<string>;
beforeEach(() => {
  answers = [holding('whsec_one')];
  received = [];
  now = 0;
  read = openSecret(ARN, { credentials, endpoint: server.url, now: () => now });
});

afterEach(() => vi.unstubAllEnvs());

const holding = (secret: string): Answer => ({
  body: JSON.stringify({ ARN, Name: 'webhooks', SecretString: secret, VersionStages: ['AWSCURRENT'] }),
});
const failing = (status: number, code: string): Answer => ({
  status,
  body: JSON.stringify({ __type: code, Message: 'It is "so".' }),
});

test('a secret that is told is not asked for', async () => {
  expect(await openSecret('whsec_two')()).toBe('whsec_two');
});

describe('a secret that is named', () => {
  test('is asked for as the SDK asks for it', async () => {
    const sdk = new SecretsManagerClient({ region: 'eu-central-1', endpoint: server.url, credentials });
    const { SecretString } = await sdk.send(new GetSecretValueCommand({ SecretId: ARN }));
    sdk.destroy();
    expect(await read()).toBe(SecretString);
    const [theirs, ours] = received.map(({ method, path, headers, body }) => ({
      method,
      path,
      body: JSON.parse(body) as unknown,
      scope: headers.authorization?.split(', ')[0],
      ...Object.fromEntries(
        ['host', 'content-type', 'content-length', 'x-amz-target', 'x-amz-security-token', 'x-amz-content-sha256'].map(
          (name) => [name, headers[name]],
        ),
      ),
    }));
    expect(ours).toEqual(theirs);
  });

  test('is asked for by a signed call', async () => {
    await read();
    const [call] = received as [Received];
    expect(call.headers['x-amz-content-sha256']).toBe(createHash('sha256').update(call.body).digest('hex'));
    expect(call.headers.authorization).toMatch(
      new RegExp(`, Signature=${signatureOf(call, credentials.secretAccessKey)}$`),
    );
  });

  test.each([
    { AWS_ENDPOINT_URL_SECRETS_MANAGER: 'here', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
    { AWS_ENDPOINT_URL: 'here' },
  ])('is asked for where, and by whom, the environment says: %j', async (endpoints) => {
    for (const [name, url] of Object.entries(endpoints)) vi.stubEnv(name, url === 'here' ? server.url : url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENVIRONMENT');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    expect(await openSecret(ARN)()).toBe('whsec_one');
    expect(received[0]?.headers.authorization).toContain('Credential=AKIDENVIRONMENT/');
  });

  test('is asked for within the trace of the work in hand', async () => {
    await withinTrace('Root=1-1-1', read);
    expect(received[0]?.headers['x-amzn-trace-id']).toBe('Root=1-1-1');
  });

  test('is known for 5 minutes, and then asked for anew', async () => {
    expect(await read()).toBe('whsec_one');
    answers = [holding('whsec_two')];
    now = 5 * MINUTE_MS - 1;
    expect(await read()).toBe('whsec_one');
    expect(received).toHaveLength(1);
    now = 5 * MINUTE_MS;
    expect(await read()).toBe('whsec_two');
    expect(received).toHaveLength(2);
  });

  test('is asked for again when it can not be told now', async () => {
    answers = [failing(500, 'InternalServiceError'), failing(400, 'ThrottlingException'), holding('whsec_one')];
    expect(await read()).toBe('whsec_one');
    expect(received).toHaveLength(3);
  });

  test.each<[string, Answer]>([
    ['cut off', { ...holding('whsec_one'), cutAfterBytes: 20 }],
    ['not JSON', { body: '<html>' }],
  ])('is asked for again when the answer is %s, and never taken from it', async (_what, spoiled) => {
    answers = [spoiled, holding('whsec_one')];
    expect(await read()).toBe('whsec_one');
    answers = [spoiled];
    now = 5 * MINUTE_MS;
    await expect(read()).rejects.toThrow(Error);
    expect(received).toHaveLength(5);
    answers = [holding('whsec_two')];
    expect(await read()).toBe('whsec_two');
  });

  test('that can not be told is an outage after three attempts', async () => {
    answers = [{ status: 503, body: 'Service Unavailable' }];
    await expect(read()).rejects.toMatchObject({
      name: 'Http503',
      message: 'Secrets Manager answered 503.',
      $fault: 'server',
    });
    expect(received).toHaveLength(3);
  });

  test('that may not be read is asked for once', async () => {
    answers = [failing(400, 'com.amazonaws.secretsmanager#AccessDeniedException')];
    await expect(read()).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'It is "so".',
      $fault: 'client',
      $metadata: { httpStatusCode: 400 },
    });
    expect(received).toHaveLength(1);
  });
});
