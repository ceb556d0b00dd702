import type { StateMachineName } from '../../../domain/operation/workflows.ts';
import type { MachineUnderTest } from './machine-under-test.ts';
import { changeTier } from './machines/change-tier.ts';
import { createBackup } from './machines/create-backup.ts';
import { deleteGraph } from './machines/delete-graph.ts';
import { forkSubgraph } from './machines/fork-subgraph.ts';
import { launchInstance } from './machines/launch-instance.ts';
import { materialize } from './machines/materialize.ts';
import { provisionGraph } from './machines/provision-graph.ts';
import { provisionRepositoryAccess } from './machines/provision-repository-access.ts';
import { provisionSubgraph } from './machines/provision-subgraph.ts';
import { refreshFleet } from './machines/refresh-fleet.ts';
import { refreshInstance } from './machines/refresh-instance.ts';
import { restoreBackup } from './machines/restore-backup.ts';
import { retireInstance } from './machines/retire-instance.ts';
import { runExternalJob } from './machines/run-external-job.ts';
import { stageTable } from './machines/stage-table.ts';

/** Every machine that the faults are made to happen in; the test file of each has its name. */
export const MACHINES_UNDER_TEST: Readonly<Record<StateMachineName, MachineUnderTest>> = {
  'change-tier': changeTier,
  'create-backup': createBackup,
  'delete-graph': deleteGraph,
  'fork-subgraph': forkSubgraph,
  'launch-instance': launchInstance,
  materialize,
  'provision-graph': provisionGraph,
  'provision-repository-access': provisionRepositoryAccess,
  'provision-subgraph': provisionSubgraph,
  'refresh-instance': refreshInstance,
  'refresh-fleet': refreshFleet,
  'retire-instance': retireInstance,
  'restore-backup': restoreBackup,
  'run-external-job': runExternalJob,
  'stage-table': stageTable,
};
