import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Loopback, listenOnLoopback } from '../../local/loopback.ts';
import { callerKeyHeader } from './caller-key.ts';

/**
 * Starts an address on 127.0.0.1 for the API that the emulator serves by a host's name, which Node does not resolve.
 * Everything is passed on as it comes, chunk by chunk: nothing here buffers. Callers get the key of their usage plan, which
 * the emulator wants of them.
 * @param apiId of the API to call, asked for with each request: it is known once it is deployed
 */
export const startFront = async (endpoint: string, apiId: () => Promise<string>, port = 0): Promise<Loopback> => {
  const { hostname, port: emulatorPort } = new URL(endpoint);
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const host = `${await apiId()}.execute-api.localhost:${emulatorPort}`;
      const { method, url: path, headers } = request;
      const passedOn = forward(
        {
          hostname,
          port: emulatorPort,
          method,
          path,
          headers: { ...headers, ...callerKeyHeader(headers.authorization), host },
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
          answer.once('error', () => response.destroy());
        },
      );
      passedOn.once('error', (error) => (response.headersSent ? response.destroy() : refuse(error)));
      response.once('close', () => passedOn.destroy());
      request.pipe(passedOn);
    } catch (error) {
      refuse(error as Error);
    }

    function refuse(error: Error): void {
      response.writeHead(502, { 'content-type': 'text/plain' }).end(error.message);
    }
  };
  const server = createServer((request, response) => void pass(request, response));
  return listenOnLoopback(server, port);
};
