import { Retryable } from '../../domain/failure.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { SpareInput, stepFunction } from '../pipeline/step-function.ts';
import { logger } from '../telemetry/logger.ts';
import { tierMove } from '../wiring/fleet.ts';

/**
 * Removes what the instance that does not serve the graph holds of it. It is a copy in a cache: of an instance that
 * does not answer it goes with the instance, or when room is needed.
 */
export const handler = stepFunction('drop-spare-database', SpareInput, (environment) => {
  const moves = tierMove(environment);
  const client = new HttpInstanceClient();
  return async ({ graphId, operationId, moveIs }) => {
    const copies = await moves.spareCopies(graphId, operationId, moveIs);
    if (copies === undefined) return;
    const { instance, graphIds } = copies;
    const dropped = Promise.all(graphIds.map((copied) => client.dropDatabase(instance, copied)));
    await dropped.catch((error: unknown) => {
      if (!(error instanceof Retryable)) throw error;
      logger.warn('Copies were left on an instance', { graphId, instanceId: instance.instanceId, error });
    });
  };
});
