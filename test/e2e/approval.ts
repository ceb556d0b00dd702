import { afterAll, beforeAll, expect, vi } from 'vitest';
import { plainGraph } from '../fixtures/graph-requests.ts';
import type { Client } from './client.ts';

/** The tier whose graphs wait for an operator where a test wants that. */
const TIER = 'large';

/** Has graphs on the tier `large` wait for an operator as long as the tests of this file, or of this block, run. */
export const wantApproval = (client: Client): void => {
  const token = client.target.tokens.operator;
  const set = async (approval: boolean) => {
    const { status, body } = await client.call(`/v1/fleet/tiers/${TIER}`, { method: 'PUT', body: { approval }, token });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  };
  beforeAll(() => set(true));
  afterAll(() => set(false));
};

/** Asks for a graph that needs an approval, and resolves with its operation once it waits for that. */
export const waitingGraph = async (client: Client): Promise<string> => {
  const { body } = await client.call('/v1/graphs', { body: plainGraph({ tier: TIER }) });
  const operationId = String(body['operationId']);
  await untilWaiting(client, operationId);
  return operationId;
};

/** Resolves when an operation waits for an operator: asked for, because an API may give a stream as a whole. */
export const untilWaiting = (client: Client, operationId: string): Promise<void> =>
  vi.waitFor(async () => {
    const { body } = await client.call(`/v1/operations/${operationId}`);
    expect(body).toMatchObject({ status: 'queued', input: { options: ['approve', 'reject'] } });
  }, 20_000);
