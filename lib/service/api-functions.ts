import type * as z from 'zod';
import type { CreateGraphEnvironment, TokenEnvironment } from '../../contract/environment.ts';
import type { FunctionTable } from './function-table.ts';

/** The functions behind the API. */
export const apiFunctions = (
  workflows: z.input<typeof CreateGraphEnvironment>,
  tokens: TokenEnvironment,
): FunctionTable<'api'> => {
  const environment = { CONTROL_TABLE_NAME: workflows.CONTROL_TABLE_NAME };
  return {
    authorize: { environment: tokens, may: [] },
    'create-graph': { environment: workflows, may: ['readsLog', 'appendsToLog'] },
    'list-graphs': { environment, may: ['listsGraphs'] },
    'get-graph': { environment, may: ['readsGraphs', 'readsLog'] },
    'query-graph': { environment, may: ['readsGraphs', 'readsLog', 'readsInstances'] },
    'list-operations': { environment, may: ['listsOperations', 'readsLog'] },
    'get-operation': { environment, may: ['readsLog'] },
    'list-events': { environment, may: ['readsLog'] },
    'get-health': { environment: {}, may: [] },
    'get-open-api': { environment: {}, may: [] },
  };
};
