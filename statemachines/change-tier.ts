import {
  AWAIT_INPUT,
  jobStep,
  lambda,
  persistently,
  RECORDS,
  undo,
  WAIT_FOR_CAPACITY,
  WAIT_FOR_INSTANCE_SECONDS,
} from './runs.ts';
import { saga } from './saga.ts';

/**
 * Every state at its slowest: two steps of 9 tries in 15 s, a job of 3 tries in 120 s, twelve undos, final steps and
 * records of 21 tries in 30 s, with 1 minute of waiting for each step and 4 for each of the others: 3.4 hours, and the
 * waits for an answer, for a slot and for the instance.
 */
const LONGEST_SECONDS =
  4 * 3_600 + AWAIT_INPUT.run.timeoutSeconds + WAIT_FOR_CAPACITY.run.timeoutSeconds + WAIT_FOR_INSTANCE_SECONDS;

const leave = (name: string, run: 'drop-spare-database' | 'free-spare-slot', moveIs: 'switched' | 'abandoned') => ({
  name,
  run: { ...persistently(run), payload: { moveIs } },
});

/**
 * Moves a graph to another tier: a slot there, the snapshot loaded beside the one that serves, one write that makes the
 * new place serve, and then the old one is given up. Queries go on all the time. Until the switch whatever fails leaves
 * the graph as it was.
 */
export const changeTier = saga({
  name: 'change-tier',
  comment: 'Moves a graph to another tier; until it is served there, whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    {
      name: 'TakeTierSlot',
      run: lambda('take-tier-slot'),
      waits: [AWAIT_INPUT, WAIT_FOR_CAPACITY],
      undos: [leave('FreeTierSlot', 'free-spare-slot', 'abandoned')],
    },
    jobStep('WarmGraph', 'load-snapshot', [leave('DropWarmedDatabase', 'drop-spare-database', 'abandoned')]),
    { name: 'SwitchTier', run: lambda('switch-tier'), undos: [undo('SwitchTierBack', 'switch-tier-back')] },
  ],
  finalSteps: [
    leave('DropOldDatabase', 'drop-spare-database', 'switched'),
    leave('FreeOldSlot', 'free-spare-slot', 'switched'),
    { name: 'FinishTierChange', run: persistently('finish-tier-change') },
  ],
  records: RECORDS,
});
