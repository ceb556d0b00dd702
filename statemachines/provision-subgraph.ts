import { jobStep, lambda, RECORDS, undo, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

/**
 * Every state at its slowest: two steps of 9 tries in 15 s, a job of 3 tries in 120 s, seven undos and records of 21 tries
 * in 30 s, with 1 minute of waiting for each step and 4 for each undo: 2.4 hours, and the wait for
 * the instance.
 */
const LONGEST_SECONDS = 3 * 3_600 + WAIT_FOR_INSTANCE_SECONDS;

/** Gives a graph a subgraph: a place in its parent, a database on the parent's instance, and its first snapshot. */
export const provisionSubgraph = saga({
  name: 'provision-subgraph',
  comment: 'Gives a graph a subgraph; whatever fails is undone in reverse.',
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    {
      name: 'ReserveSubgraph',
      run: lambda('reserve-subgraph'),
      undos: [undo('ReleaseSubgraph', 'release-subgraph')],
    },
    jobStep('BuildGraph', 'build-graph', [
      undo('WithdrawSnapshot', 'withdraw-snapshot'),
      undo('DropDatabase', 'drop-database'),
    ]),
    { name: 'ActivateGraph', run: lambda('activate-graph'), undos: [undo('DeactivateGraph', 'deactivate-graph')] },
  ],
  records: RECORDS,
});
