import { type FunctionTable, LAUNCHES_INSTANCES, SETTLES_SUBSCRIPTIONS } from './function-table.ts';

const READS_CAPACITY = ['readsTiers', 'findsInstances', 'readsQueues'] as const;

/** The functions behind the API, and what each may do. */
export const API_FUNCTIONS: FunctionTable<'api'> = {
  authorize: { may: ['recordsAudit'] },
  'create-graph': {
    may: ['readsLog', 'appendsToLog', 'readsAccounts', 'readsFlags', ...READS_CAPACITY],
    drivesWorkflows: true,
  },
  'list-graphs': { may: ['listsGraphs'] },
  'delete-graph': { may: ['readsGraphs', 'readsLog', 'appendsToLog'], drivesWorkflows: true },
  'create-subgraph': {
    may: ['readsGraphs', 'readsLog', 'appendsToLog', 'readsAccounts', 'readsFlags'],
    drivesWorkflows: true,
  },
  'list-subgraphs': { may: ['readsGraphs', 'readsLog'] },
  'delete-subgraph': { may: ['readsGraphs', 'readsInstances', 'readsLog', 'appendsToLog'], drivesWorkflows: true },
  'get-graph': { may: ['readsGraphs', 'readsLog', 'readsAccesses'] },
  'query-graph': { may: ['readsGraphs', 'readsLog', 'readsInstances', 'readsAccesses'] },
  'change-tier': {
    may: ['readsGraphs', 'readsLog', 'appendsToLog', 'readsAccounts', 'readsFlags'],
    drivesWorkflows: true,
  },
  'request-access': {
    may: ['readsAccesses', 'readsAccounts', 'readsFlags', 'readsLog', 'appendsToLog'],
    drivesWorkflows: true,
  },
  'get-access': { may: ['readsAccesses'] },
  'end-access': { may: ['readsAccesses', 'changesAccesses', 'removesAccesses', 'putsIntoAccounts'] },
  'list-operations': { may: ['listsOperations', 'readsLog'] },
  'get-operation': { may: ['readsLog', 'readsQueues'] },
  'list-events': { may: ['readsLog', 'countsStreams'] },
  'cancel-operation': { may: ['readsLog', 'appendsToLog'], drivesWorkflows: true },
  'retry-operation': { may: ['readsLog', 'appendsToLog'], drivesWorkflows: true },
  'resume-operation': { may: ['readsLog', 'appendsToLog'], wakesWorkflows: true },
  'get-operation-statistics': { may: ['listsOperations'] },
  'list-audit': { may: ['listsAudit', 'listsAuditOfTenants'] },
  'receive-billing-event': {
    may: [...SETTLES_SUBSCRIPTIONS, 'keepsWebhooks'],
    drivesWorkflows: true,
    readsWebhookSecrets: true,
  },
  'list-subscriptions': { may: ['readsAccounts'] },
  'provision-subscription': { may: SETTLES_SUBSCRIPTIONS, drivesWorkflows: true },
  'get-credits': { may: ['readsGraphs', 'readsLog', 'readsAccounts'] },
  'consume-credits': { may: ['readsGraphs', 'readsLog', 'readsAccounts', 'changesAccounts'] },
  'list-dead-letters': { may: ['findsWebhooks'] },
  'redrive-dead-letter': { may: [...SETTLES_SUBSCRIPTIONS, 'keepsWebhooks'], drivesWorkflows: true },
  'get-flags': { may: ['readsFlags'] },
  'set-flags': { may: ['setsFlags'] },
  'get-capacity': { may: READS_CAPACITY },
  'list-instances': { may: ['findsInstances'] },
  'launch-instance': { may: [...LAUNCHES_INSTANCES, 'readsInstances'], drivesWorkflows: true },
  'list-tiers': { may: ['readsTiers'] },
  'set-tier': { may: [...LAUNCHES_INSTANCES, 'setsTiers'], drivesWorkflows: true },
  'get-health': { may: [] },
  'get-open-api': { may: [] },
};
