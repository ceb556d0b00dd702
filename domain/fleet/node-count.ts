import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { Retryable } from '../failure.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Instance } from './instance.ts';
import type { InstanceClient } from './instance-client.ts';

const TIMEOUT_MS = 5_000;
/** A header, one row with one number, a summary: anything else is no answer. */
const Answer = z.tuple([
  z.object({ columns: z.array(z.string()) }),
  z.tuple([z.union([z.int(), z.string().regex(/^\d+$/)])]),
  z.object({ rowCount: z.literal(1) }),
]);

/**
 * How many nodes a snapshot has, asked of the engine.
 * @throws {Retryable} `unavailable` when that could not be told, for whatever reason: no answer is not "none"
 */
export const countNodes = async (
  client: InstanceClient,
  instance: Instance | undefined,
  { graphId, snapshot }: { graphId: string; snapshot: Snapshot },
): Promise<bigint> => {
  try {
    if (instance === undefined) throw new Error('No instance serves the graph now.');
    const cypher = 'MATCH (n) RETURN count(n)';
    const query = { graphId, snapshot, cypher, parameters: {}, limit: 1, timeoutMs: TIMEOUT_MS };
    const lines = (await text(Readable.from(await client.query(instance, query)))).trimEnd().split('\n');
    const [, [count]] = Answer.parse(lines.map((line) => JSON.parse(line) as unknown));
    return BigInt(count);
  } catch (cause) {
    throw new Retryable('unavailable', `It could not be told whether "${graphId}" is empty; try again.`, {
      cause,
      delaySeconds: 2,
    });
  }
};
