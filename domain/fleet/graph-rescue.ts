import { nextTurn, type RotationStore } from '../rotation/rotation.ts';
import type { Evacuation } from './evacuation.ts';
import type { Instance, InstanceStore } from './instance.ts';
import type { InstanceServices } from './instance-services.ts';
import { FLEET_TIERS } from './tier.ts';

type Parts = {
  instances: Pick<InstanceStore, 'listByTier'>;
  services: Pick<InstanceServices, 'describe'>;
  evacuation: Pick<Evacuation, 'run'>;
  /** Lets go on what waits for an instance. */
  wake: (instanceId: string) => Promise<void>;
};

/** An instance that comes back does so within this time: ECS has started another task by then. */
export const GONE_MINUTES = 5;

/** An instance in quarantine that was not heard of for as long as it may take to come back. */
export const isLongSilent = ({ state, heartbeatAt }: Pick<Instance, 'state' | 'heartbeatAt'>, now: Date): boolean =>
  state === 'QUARANTINED' && now.getTime() - Date.parse(heartbeatAt) > GONE_MINUTES * 60_000;

/**
 * Gives the graphs of instances that are gone for good places on others: losing a host loses no graph. An instance is gone
 * when it is in quarantine, was not heard of for long, and ECS runs no task of it; so nothing there serves a graph. Should one
 * come back nevertheless it finds itself with fewer graphs: nobody asks it for the others, and of what it had begun to write
 * and what was handed out anew the operation's log takes one.
 */
export class GraphRescue {
  readonly #parts: Parts;
  readonly #now: () => Date;

  constructor(parts: Parts, now: () => Date = () => new Date()) {
    this.#parts = parts;
    this.#now = now;
  }

  /** Looks at the next `limit` instances that may be gone, and moves at most so many graphs. */
  async takeTurn(
    rotations: RotationStore,
    limit: number,
    mostGraphs: number,
  ): Promise<{ gone: number; moved: number; stranded: number }> {
    const done = { gone: 0, moved: 0, stranded: 0 };
    for (const instance of await this.#nextSilent(rotations, limit)) {
      if (!(await this.#isGone(instance))) continue;
      const { moved, left } = await this.#parts.evacuation.run(instance, mostGraphs - done.moved);
      // Whoever waits for it finds its graph elsewhere.
      if (moved > 0) await this.#parts.wake(instance.instanceId);
      done.gone += 1;
      done.moved += moved;
      done.stranded += left;
    }
    return done;
  }

  async #nextSilent(rotations: RotationStore, limit: number): Promise<Instance[]> {
    return nextTurn(rotations, 'silent-instances', limit, async ({ limit: most, cursor = '' }) => {
      const listed = FLEET_TIERS.map((tier) => this.#parts.instances.listByTier(tier, 'QUARANTINED'));
      const now = this.#now();
      const behind = (await Promise.all(listed))
        .flat()
        .filter((instance) => instance.used > 0 && instance.instanceId > cursor && isLongSilent(instance, now))
        .sort((left, right) => (left.instanceId < right.instanceId ? -1 : 1));
      const items = behind.slice(0, most);
      return { items, cursor: behind.length > most ? (items.at(-1)?.instanceId ?? null) : null };
    });
  }

  async #isGone({ instanceId }: Instance): Promise<boolean> {
    const service = await this.#parts.services.describe(instanceId);
    return service?.task?.status !== 'RUNNING';
  }
}
