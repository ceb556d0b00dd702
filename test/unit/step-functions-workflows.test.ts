import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SFNClient } from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test } from 'vitest';
import { StepFunctionsWorkflows } from '../../domain/operation/step-functions-workflows.ts';

const PREFIX = 'arn:aws:states:eu-central-1:000000000000:stateMachine:graphfleet-dev-';
const attempt = { machine: 'provision-graph', operationId: 'op_1', attempt: 2 } as const;
const input = { operationId: 'op_1', tenantId: 't', graphId: null };

/** Notes what is asked, and answers as told. */
const stepFunctions = async (status: number, answer: object) => {
  const asked: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push(JSON.parse(body) as Record<string, unknown>);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const client = new SFNClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  });
  return { workflows: new StepFunctionsWorkflows(PREFIX, client), asked };
};

test('an execution is started by the alias of its machine, and known by an ARN without it', async () => {
  const { workflows, asked } = await stepFunctions(200, { status: 'RUNNING' });
  await workflows.start(attempt, input);
  expect(await workflows.stateOf(attempt)).toBe('running');
  await workflows.stop(attempt, 'by hand');
  const executionArn = `${PREFIX.replace('stateMachine', 'execution')}provision-graph:op_1-2`;
  expect(asked).toMatchObject([
    { stateMachineArn: `${PREFIX}provision-graph:live`, name: 'op_1-2' },
    { executionArn },
    { executionArn },
  ]);
});

test('an execution that another version of the machine has begun under the name is not begun again', async () => {
  const { workflows } = await stepFunctions(400, { __type: 'ExecutionAlreadyExists', message: 'It exists.' });
  await expect(workflows.start(attempt, input)).resolves.toBeUndefined();
});
