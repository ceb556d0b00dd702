import type { FunctionTable } from './function-table.ts';

/** The steps of workflows, and what each may do. */
export const STEP_FUNCTIONS: FunctionTable<'steps'> = {
  'take-slot': {
    may: [
      'readsLog',
      'appendsToLog',
      'createsGraphs',
      'readsGraphs',
      'changesGraphs',
      'removesGraphs',
      'findsInstances',
      'readsInstances',
      'changesInstances',
    ],
  },
  'dispatch-job': { may: ['readsLog', 'readsGraphs', 'readsInstances'] },
  'activate-graph': { may: ['readsGraphs', 'changesGraphs', 'readsLog', 'appendsToLog'] },
  'begin-undo': { may: ['readsLog', 'appendsToLog'] },
  'deactivate-graph': { may: ['changesGraphs'] },
  'withdraw-snapshot': { may: ['changesGraphs'], mayInBucket: ['listsSnapshots', 'removesSnapshots'] },
  'drop-database': { may: ['readsGraphs', 'readsInstances'] },
  'free-slot': { may: ['readsGraphs', 'changesInstances'] },
  'delete-graph': { may: ['readsGraphs', 'readsInstances', 'removesGraphs'] },
  'record-failure': { may: ['readsLog', 'appendsToLog'] },
  'record-undone': { may: ['readsLog', 'appendsToLog'] },
  'record-undo-failure': { may: ['readsLog', 'appendsToLog'] },
};
