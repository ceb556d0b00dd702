import { jobStep, lambda, RECORDS, undo, WAIT_FOR_INSTANCE_SECONDS } from './runs.ts';
import { saga } from './saga.ts';

/** A parent's tables are read and loaded anew. */
const FORKING_SECONDS = 4 * 3_600;

/**
 * Every state at its slowest: three steps of 9 tries in 15 s, a job of 3 tries in all their time, the wait for its
 * instance, eight undos and records of 21 tries in 30 s, with 4 minutes of waiting for each: under 3 hours besides the job.
 */
const LONGEST_SECONDS = 3 * FORKING_SECONDS + WAIT_FOR_INSTANCE_SECONDS + 4 * 3_600;

/**
 * Gives a graph a subgraph that begins with data of its parent's current snapshot: a place in its parent, a database made of
 * the parent's tables, and the rows kept as staged ones. The parent is only read.
 */
export const forkSubgraph = saga({
  name: 'fork-subgraph',
  comment: "Gives a graph a subgraph with its parent's data; whatever fails is undone in reverse.",
  timeoutSeconds: LONGEST_SECONDS,
  steps: [
    {
      name: 'ReserveSubgraph',
      run: lambda('reserve-subgraph'),
      undos: [undo('ReleaseSubgraph', 'release-subgraph')],
    },
    jobStep(
      'ForkGraph',
      'fork-graph',
      [
        undo('WithdrawSnapshot', 'withdraw-snapshot'),
        // What AdoptTables records as well: until the job has stopped, rows may come.
        undo('ForgetTables', 'forget-tables'),
        undo('DropDatabase', 'drop-database'),
      ],
      { timeoutSeconds: FORKING_SECONDS },
    ),
    { name: 'AdoptTables', run: lambda('adopt-tables'), undos: [] },
    { name: 'ActivateGraph', run: lambda('activate-graph'), undos: [undo('DeactivateGraph', 'deactivate-graph')] },
  ],
  records: RECORDS,
});
