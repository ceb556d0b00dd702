import { once } from 'node:events';
import { Agent, createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A write that is held up on its way to the table. */
export type HeldWrite = {
  /** Resolves when there is one. */
  held: Promise<void>;
  /** Lets it through; when none has come yet, none is held any more. */
  release(): void;
};

type Order = { mentions: readonly string[]; onHeld(): void; released: Promise<void> };

const WRITES = /\.(PutItem|UpdateItem|DeleteItem)$/;

/** Stands between functions and DynamoDB, and can hold up the next write that mentions one of some words. */
export const startHoldingProxy = async (target: string) => {
  const agent = new Agent({ keepAlive: true });
  let order: Order | undefined;

  const whenDue = async (action: string, body: Buffer): Promise<void> => {
    const due = order;
    if (due === undefined || !WRITES.test(action) || !due.mentions.some((word) => body.includes(word))) return;
    order = undefined;
    due.onHeld();
    await due.released;
  };
  const server = createServer((incoming, response) => {
    const forward = async () => {
      const { url = '/', method = 'POST', headers } = incoming;
      const body = await buffer(incoming);
      await whenDue(String(headers['x-amz-target']), body);
      const outgoing = sendRequest(new URL(url, target), { method, headers, agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      outgoing.on('error', () => response.destroy());
      outgoing.end(body);
    };
    void forward();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdNextWrite(mentions: readonly string[]): HeldWrite {
      const held = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      const mine = { mentions, onHeld: held.resolve, released: released.promise };
      order = mine;
      const release = () => {
        if (order === mine) order = undefined;
        released.resolve();
      };
      return { held: held.promise, release };
    },
    close(): void {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
};
