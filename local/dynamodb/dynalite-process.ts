import type { IncomingMessage, Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { recordingDirectory } from '../recording/record.ts';
import { tameLevel } from './dynalite-level.ts';
import { recordActions } from './record-actions.ts';

/** The process that holds the embedded DynamoDB; tells its port to the parent when it listens. */

type Dynalite = (options: { path: string; createTableMs: number }) => Server;
const require = createRequire(import.meta.url);
tameLevel(require.resolve('dynalite'));
const noteRole = recordingDirectory === undefined ? undefined : recordActions(require.resolve('dynalite'));
const dynalite = require('dynalite') as Dynalite;

const { values } = parseArgs({ options: { path: { type: 'string' }, port: { type: 'string', default: '0' } } });
const server = dynalite({ path: values.path ?? '', createTableMs: 0 });

if (noteRole !== undefined) server.prependListener('request', noteRole);

// dynalite throws what happens to a request, so a client that is killed while it sends would end the store for all.
server.on('request', (request: IncomingMessage) => {
  request.removeAllListeners('error');
  request.on('error', () => {});
});

// An idle connection that is closed just when the SDK uses it again makes the SDK repeat the call; a conditional write
// that had been done is then refused. So connections are only closed by the client.
server.keepAliveTimeout = 0;

process.once('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

server.listen(Number(values.port), '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
