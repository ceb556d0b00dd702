import type { StateMachineName } from '../../../domain/operation/workflows.ts';
import type { MachineUnderTest } from './machine-under-test.ts';
import { changeTier } from './machines/change-tier.ts';
import { deleteGraph } from './machines/delete-graph.ts';
import { launchInstance } from './machines/launch-instance.ts';
import { provisionGraph } from './machines/provision-graph.ts';
import { provisionRepositoryAccess } from './machines/provision-repository-access.ts';
import { provisionSubgraph } from './machines/provision-subgraph.ts';

/** Every machine that the faults are made to happen in; the test file of each has its name. */
export const MACHINES_UNDER_TEST: Readonly<Record<StateMachineName, MachineUnderTest>> = {
  'change-tier': changeTier,
  'delete-graph': deleteGraph,
  'launch-instance': launchInstance,
  'provision-graph': provisionGraph,
  'provision-repository-access': provisionRepositoryAccess,
  'provision-subgraph': provisionSubgraph,
};
