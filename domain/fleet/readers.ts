import { createHash } from 'node:crypto';
import { Retryable } from '../failure.ts';
import type { Graph } from '../graph/graph.ts';
import type { Instance, InstanceStore } from './instance.ts';

/** A reader is moved on to another instance only this soon: a call has its time, and a query can be what takes it. */
const MOVES_ON_MS = 10_000;
const DELAY_SECONDS = 5;

type Instances = Pick<InstanceStore, 'get' | 'listByTier'>;
type Placed = Pick<Graph, 'graphId' | 'placement' | 'tier'>;

/**
 * Has a graph read where it has its place, or, while that is cycled or does not answer, on another active instance of the
 * tier: instances are caches, and whoever reads brings along the snapshot. Of the others it is always the same, as long as
 * it is there, so that it fetches the snapshot once.
 * @param read to be repeated elsewhere when it throws `unavailable`
 * @throws {Retryable} `unavailable`: no instance can serve the graph now
 */
export const readOnTier = async <Answer>(
  graph: Placed,
  instances: Instances,
  read: (instance: Instance) => Promise<Answer>,
  now: () => number = Date.now,
): Promise<Answer> => {
  const { graphId, placement } = graph;
  const begun = now();
  const home = placement === null ? undefined : await instances.get(placement);
  const at = async (instance: Instance | undefined): Promise<{ answer: Answer } | undefined> => {
    if (instance === undefined) return undefined;
    try {
      return { answer: await read(instance) };
    } catch (error) {
      if (isUnavailable(error) && now() - begun < MOVES_ON_MS) return undefined;
      throw error;
    }
  };
  // One that is silent or cycled is asked when there is no other: it may be back.
  const isServing = home?.state === 'ACTIVE' || home?.state === 'DRAINING';
  const atHome = isServing ? await at(home) : undefined;
  const answered = atHome ?? (await at((await anotherFor(graph, instances)) ?? (isServing ? undefined : home)));
  if (answered !== undefined) return answered.answer;
  throw new Retryable('unavailable', `No instance serves the graph "${graphId}" now.`, { delaySeconds: DELAY_SECONDS });
};

const anotherFor = async (
  { graphId, placement, tier }: Placed,
  instances: Instances,
): Promise<Instance | undefined> => {
  const active = (await instances.listByTier(tier, 'ACTIVE')).filter(({ instanceId }) => instanceId !== placement);
  const ranked = active.map((instance) => ({ instance, rank: rankOf(graphId, instance) }));
  return ranked.sort((left, right) => (left.rank < right.rank ? -1 : 1))[0]?.instance;
};

const rankOf = (graphId: string, { instanceId }: Instance): string =>
  createHash('sha256').update(`${graphId} ${instanceId}`).digest('hex');

const isUnavailable = (error: unknown): boolean => error instanceof Retryable && error.code === 'unavailable';
