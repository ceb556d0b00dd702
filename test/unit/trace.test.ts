import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { carryTrace } from '../../domain/aws/carry-trace.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { StepFunctionsWorkflows } from '../../domain/operation/step-functions-workflows.ts';
import { currentTrace, TRACE_HEADER, traceRoot, withinTrace } from '../../domain/trace.ts';

const ROOT = '1-67891233-abcdef012345678912345678';
const TRACE = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1`;
const settings = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

let server: Server;
let endpoint: string;
let calls: { headers: IncomingHttpHeaders; body: string }[];
beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      calls.push({ headers: request.headers, body });
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{"startDate":0}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  calls = [];
});

test('work that follows from a call is a part of its trace, and other work is not', async () => {
  const within = withinTrace(TRACE, async () => {
    await pause(1);
    return currentTrace();
  });
  expect(currentTrace()).toBeUndefined();
  expect(await within).toBe(TRACE);
});

test("in a function, the trace is the invocation's", () => {
  onTestFinished(() => void delete process.env['_X_AMZN_TRACE_ID']);
  process.env['_X_AMZN_TRACE_ID'] = TRACE;
  expect(currentTrace()).toBe(TRACE);
  expect(traceRoot(currentTrace())).toBe(ROOT);
});

test('calls to AWS carry the trace, also where the SDK does not do so itself', async () => {
  const client = carryTrace(new DynamoDBClient({ endpoint, ...settings }));
  await withinTrace(TRACE, () => client.send(new ListTablesCommand({})));
  await client.send(new ListTablesCommand({}));
  expect(calls.map(({ headers }) => headers[TRACE_HEADER])).toEqual([TRACE, undefined]);
});

test('an execution is started in the trace of the call that asks for it', async () => {
  const workflows = new StepFunctionsWorkflows('arn:machine:', new SFNClient({ endpoint, ...settings }));
  const attempt = { machine: 'provision-graph', operationId: 'op_1', attempt: 1 } as const;
  const input = { operationId: 'op_1', tenantId: 'acme', graphId: null };
  await withinTrace(TRACE, () => workflows.start(attempt, input));
  expect(calls.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([{ traceHeader: TRACE }]);
});

test('an instance is told the trace with each call', async () => {
  const instance = { instanceId: 'inst-1', endpoint };
  await withinTrace(TRACE, () => new HttpInstanceClient().dropDatabase(instance, 'kg1'));
  expect(calls.map(({ headers }) => headers[TRACE_HEADER])).toEqual([TRACE]);
});
