import type { FunctionTable } from './function-table.ts';

/** The functions behind the API, and what each may do. */
export const API_FUNCTIONS: FunctionTable<'api'> = {
  authorize: { may: [] },
  'create-graph': { may: ['readsLog', 'appendsToLog'], drivesWorkflows: true },
  'list-graphs': { may: ['listsGraphs'] },
  'get-graph': { may: ['readsGraphs', 'readsLog'] },
  'query-graph': { may: ['readsGraphs', 'readsLog', 'readsInstances'] },
  'list-operations': { may: ['listsOperations', 'readsLog'] },
  'get-operation': { may: ['readsLog'] },
  'list-events': { may: ['readsLog'] },
  'get-health': { may: [] },
  'get-open-api': { may: [] },
};
