import { changeTier } from './change-tier.ts';
import { createBackup } from './create-backup.ts';
import { deleteGraph } from './delete-graph.ts';
import { forkSubgraph } from './fork-subgraph.ts';
import { launchInstance } from './launch-instance.ts';
import { materialize } from './materialize.ts';
import { provisionGraph } from './provision-graph.ts';
import { provisionRepositoryAccess } from './provision-repository-access.ts';
import { provisionSubgraph } from './provision-subgraph.ts';
import { refreshFleet } from './refresh-fleet.ts';
import { refreshInstance } from './refresh-instance.ts';
import { restoreBackup } from './restore-backup.ts';
import { retireInstance } from './retire-instance.ts';
import { runExternalJob } from './run-external-job.ts';
import { stageTable } from './stage-table.ts';

/** Every state machine. */
export const MACHINES = [
  changeTier,
  createBackup,
  deleteGraph,
  forkSubgraph,
  launchInstance,
  materialize,
  provisionGraph,
  provisionRepositoryAccess,
  provisionSubgraph,
  refreshInstance,
  refreshFleet,
  restoreBackup,
  retireInstance,
  runExternalJob,
  stageTable,
] as const;

/** The machine's ASL, as it is committed and deployed. */
export const aslOf = (machine: (typeof MACHINES)[number]): string => `${JSON.stringify(machine.definition, null, 2)}\n`;

/** Where a machine's ASL is committed. */
export const aslFile = (name: string): URL => new URL(`asl/${name}.asl.json`, import.meta.url);
