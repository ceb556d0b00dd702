import { subscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:net';

/**
 * Preloaded into every container: tells the supervisor on which port it listens, as a port mapping tells ECS. It is
 * asked for its health there.
 */
subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const address = (message as { server: Server }).server.address();
  if (address !== null && typeof address === 'object') process.send?.({ listening: address.port });
});
