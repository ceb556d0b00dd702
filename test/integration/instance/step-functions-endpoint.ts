import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { SFNClient } from '@aws-sdk/client-sfn';
import { onTestFinished } from 'vitest';
import * as z from 'zod';

const Call = z.object({
  taskToken: z.string(),
  output: z.string().optional(),
  error: z.string().optional(),
  cause: z.string().optional(),
});
/** What was reported, to which token. */
export type TaskReport = z.infer<typeof Call> & { action: string };

export type StepFunctionsEndpoint = {
  client: SFNClient;
  /** In the order that they came. */
  reports: TaskReport[];
  /** Runs when a report has come, before it is answered. */
  beforeAnswer: (report: TaskReport) => Promise<void>;
};

/** The Step Functions of a test that is interested in what is reported only: it takes every report. */
export const startStepFunctionsEndpoint = async (): Promise<StepFunctionsEndpoint> => {
  const reports: TaskReport[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, action = ''] = String(request.headers['x-amz-target']).split('.');
    const report = { action, ...Call.parse(await json(request)) };
    reports.push(report);
    await endpoint.beforeAnswer(report);
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
  };
  const server = createServer((request, response) => void take(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new SFNClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const endpoint: StepFunctionsEndpoint = { client, reports, beforeAnswer: async () => {} };
  return endpoint;
};
