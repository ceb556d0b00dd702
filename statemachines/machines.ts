import { changeTier } from './change-tier.ts';
import { deleteGraph } from './delete-graph.ts';
import { launchInstance } from './launch-instance.ts';
import { provisionGraph } from './provision-graph.ts';
import { provisionRepositoryAccess } from './provision-repository-access.ts';
import { provisionSubgraph } from './provision-subgraph.ts';

/** Every state machine. */
export const MACHINES = [
  changeTier,
  deleteGraph,
  launchInstance,
  provisionGraph,
  provisionRepositoryAccess,
  provisionSubgraph,
] as const;

/** The machine's ASL, as it is committed and deployed. */
export const aslOf = (machine: (typeof MACHINES)[number]): string => `${JSON.stringify(machine.definition, null, 2)}\n`;

/** Where a machine's ASL is committed. */
export const aslFile = (name: string): URL => new URL(`asl/${name}.asl.json`, import.meta.url);
