import { Failure } from '../failure.ts';
import type { InstanceClient, Reachable } from './instance-client.ts';
import type { InstanceServices } from './instance-services.ts';

type Fleet = { client: Pick<InstanceClient, 'dropDatabase'>; services: Pick<InstanceServices, 'existing'> };

/**
 * Removes what an instance holds of a graph. One that does not answer and whose service does not exist any more will
 * never answer: it took its databases with it.
 * @throws {Retryable} `unavailable` when the instance does not answer and can come back
 */
export const dropDatabase = async (
  { client, services }: Fleet,
  instance: Reachable,
  graphId: string,
): Promise<void> => {
  try {
    await client.dropDatabase(instance, graphId);
  } catch (error) {
    const isUnanswered = error instanceof Failure && error.code === 'unavailable';
    if (!isUnanswered || (await services.existing([instance.instanceId])).has(instance.instanceId)) throw error;
  }
};
