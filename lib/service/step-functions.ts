import type * as z from 'zod';
import type { WithdrawSnapshotEnvironment } from '../../contract/environment.ts';
import type { FunctionTable } from './function-table.ts';

/** The steps of workflows. */
export const stepFunctions = (stores: z.input<typeof WithdrawSnapshotEnvironment>): FunctionTable<'steps'> => {
  const environment = { CONTROL_TABLE_NAME: stores.CONTROL_TABLE_NAME };
  return {
    'take-slot': {
      environment,
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
    'dispatch-job': { environment, may: ['readsGraphs', 'readsInstances'] },
    'activate-graph': { environment, may: ['readsGraphs', 'changesGraphs', 'readsLog', 'appendsToLog'] },
    'begin-undo': { environment, may: ['readsLog', 'appendsToLog'] },
    'deactivate-graph': { environment, may: ['changesGraphs'] },
    'withdraw-snapshot': {
      environment: stores,
      may: ['changesGraphs'],
      mayInBucket: ['listsSnapshots', 'removesSnapshots'],
    },
    'drop-database': { environment, may: ['readsGraphs', 'readsInstances'] },
    'free-slot': { environment, may: ['readsGraphs', 'changesInstances'] },
    'delete-graph': { environment, may: ['readsGraphs', 'readsInstances', 'removesGraphs'] },
    'record-failure': { environment, may: ['readsLog', 'appendsToLog'] },
    'record-undo-failure': { environment, may: ['readsLog', 'appendsToLog'] },
  };
};
