import type { PlantedFault } from './protocol-model.ts';
import type { TableInput } from './table-in-memory.ts';

/** Changes the commands that an expression is part of. */
const where = (found: RegExp, update: RegExp, change: (input: TableInput) => Partial<TableInput>) => ({
  found,
  input: (input: TableInput) => (update.test(input.UpdateExpression ?? '') ? { ...input, ...change(input) } : input),
});
const ACQUIRES = /busyCount = busyCount \+/;
const RELEASES = /busyCount = busyCount -/;
const CLAIMS = /interrupted = :none/;
const FORCES = /interrupted = leases/;
const TURNS_BACK = /drain.turnedBackAt = :at/;

const without = (text: string | undefined, part: string): string => {
  if (!text?.includes(part)) throw new Error(`There is no "${part}" in "${text}" to take away.`);
  return text.replace(part, '');
};

/**
 * Mistakes that the protocol was made against: each a small change of what the adapter sends, or of the code around it,
 * and what comes of it.
 */
export const PLANTED_FAULTS: Readonly<Record<string, PlantedFault & { found: RegExp; turnsBack?: true }>> = {
  'a counter without a set: whoever begins adds one, whoever ends takes one away': {
    found: /busyCount is -1/,
    input: (input) => {
      const { UpdateExpression: update = '', ConditionExpression: condition = '' } = input;
      if (ACQUIRES.test(update)) {
        return { ...input, ConditionExpression: without(condition, ' AND attribute_not_exists(leases.#lease)') };
      }
      return RELEASES.test(update) ? { ...input, ConditionExpression: 'attribute_exists(pk)' } : input;
    },
  },
  'the drain comes after the count: it was idle when somebody looked': {
    found: /^Cycled with/,
    beginDrain: async (store, place, drain) => {
      const { busyCount = 0 } = (await store.get(place.instanceId)) ?? {};
      return { ...(await store.beginDrain(place, drain)), busyCount };
    },
    input: (input) =>
      CLAIMS.test(input.UpdateExpression ?? '')
        ? { ...input, ConditionExpression: without(input.ConditionExpression, ' AND busyCount = :zero') }
        : input,
  },
  'a release without a condition': where(/busyCount is -1/, RELEASES, () => ({
    ConditionExpression: 'attribute_exists(pk)',
  })),
  'no tombstones': {
    found: /Nobody can go on|came back/,
    input: (input) => {
      const { ConditionExpression: condition = '' } = input;
      return condition.includes('ended.#holding')
        ? { ...input, ConditionExpression: without(condition, ' AND attribute_not_exists(ended.#holding)') }
        : input;
    },
  },
  'a lease expires by the clock': {
    found: /cycled while op_\d is at work/,
    // Every lease is old enough for some clock.
    reap: async (leases, instanceId, leaseId) => {
      await leases.release(instanceId, leaseId);
      return true;
    },
  },
  'force without a fence: the leases stay as they are': where(/^Cycled with/, FORCES, ({ UpdateExpression = '' }) => ({
    UpdateExpression: without(UpdateExpression, ', interrupted = leases, leases = :none, busyCount = :zero'),
  })),
  'force without a fence: the work does not ask whether it still holds the instance': {
    found: /was cut off by force, and acted/,
    confirm: (store, instanceId) => store.get(instanceId),
  },
  'force without a generation': where(/without a new generation/, FORCES, ({ UpdateExpression = '' }) => ({
    UpdateExpression: without(UpdateExpression, ', generation = generation + :one'),
  })),
  'a cycle is turned back, and opened for the task that is given up': {
    turnsBack: true,
    ...where(/cycled while op_\d is at work/, TURNS_BACK, ({ UpdateExpression = '' }) => ({
      UpdateExpression: without(UpdateExpression, ', drain.taskBefore = taskArn'),
    })),
  },
};
