import { plainGraph } from '../fixtures/graph-requests.ts';
import { type Client, streamedEvents } from './client.ts';

/** A runtime where graphs on the tier `large` wait for an operator. */
export const WITH_APPROVAL = {
  GRAPHFLEET_TIERS: JSON.stringify([
    { tier: 'standard', minInstances: 1, maxInstances: 1, capacity: 50 },
    { tier: 'large', minInstances: 1, maxInstances: 1, capacity: 20, approval: true },
    { tier: 'xlarge', minInstances: 0, maxInstances: 0, capacity: 1 },
  ]),
};

/** Asks for a graph that needs an approval, and resolves with its operation once it waits for that. */
export const waitingGraph = async (client: Client): Promise<string> => {
  const { body } = await client.call('/v1/graphs', { body: plainGraph({ tier: 'large' }) });
  const operationId = body['operationId'] as string;
  for await (const { status, detail } of streamedEvents(await client.stream(operationId, 0))) {
    if (status === 'queued' && 'waitsFor' in detail) return operationId;
  }
  throw new Error(`The operation ${operationId} does not wait.`);
};
