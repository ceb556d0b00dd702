import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that listens on 127.0.0.1. */
export type Loopback = {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Takes no more requests and cuts off those that are under way. */
  close(): Promise<void>;
};

/**
 * Has a server listen on this machine only.
 * @param port 0 takes one that is free
 * @throws the system's error, as `EADDRINUSE`
 */
export const listenOnLoopback = async (server: Server, port = 0): Promise<Loopback> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
