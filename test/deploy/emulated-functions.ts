import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

/** What every function does: it asks the test what to answer. One that is never answered hangs. */
const CODE = `
exports.handler = async (payload) => {
  const response = await fetch(process.env.ANSWERS, {
    method: 'POST',
    body: JSON.stringify({ name: process.env.AWS_LAMBDA_FUNCTION_NAME, payload }),
  });
  const { result, error } = await response.json();
  if (error) throw Object.assign(new Error(error.message), { name: error.name });
  return result;
};`;

export type EmulatedFunctions = {
  /** Has a function answer as it is told. */
  create(name: string, answer: (payload: unknown) => Promise<unknown>): Promise<void>;
  close(): void;
};

/** Functions of an emulator whose answers come from this process. */
export const startEmulatedFunctions = async (endpoint: string, authorization: string): Promise<EmulatedFunctions> => {
  const answers = new Map<string, (payload: unknown) => Promise<unknown>>();
  const server = createServer((request, response) => {
    const answer = async () => {
      const { name, payload } = (await json(request)) as { name: string; payload: unknown };
      const result = await answers.get(name)?.(payload);
      response.end(JSON.stringify({ result: result ?? null }));
    };
    answer().catch(({ name, message }: Error) => response.end(JSON.stringify({ error: { name, message } })));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ANSWERS = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ZipFile = zipped(CODE);
  return {
    async create(name, answer) {
      answers.set(name, answer);
      const response = await fetch(`${endpoint}/2015-03-31/functions`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({
          FunctionName: name,
          Runtime: 'nodejs24.x',
          Handler: 'index.handler',
          Role: 'arn:aws:iam::123456789012:role/functions',
          Code: { ZipFile },
          Environment: { Variables: { ANSWERS } },
          Timeout: 60,
        }),
      });
      if (!response.ok) throw new Error(`The function ${name} was not created: ${await response.text()}`);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

/** As Lambda takes it: a ZIP file in Base64. */
const zipped = (code: string): string => {
  const directory = mkdtempSync(join(tmpdir(), 'graphfleet-zip-'));
  try {
    writeFileSync(join(directory, 'index.js'), code);
    execFileSync('python3', ['-m', 'zipfile', '-c', 'code.zip', 'index.js'], { cwd: directory });
    return readFileSync(join(directory, 'code.zip')).toString('base64');
  } finally {
    rmSync(directory, { recursive: true });
  }
};
