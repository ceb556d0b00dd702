import { dropDatabase } from '../../domain/fleet/drop-database.ts';
import { hostOf } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { removesBackups } from '../afterwards/remove-backups.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { instanceServices, instanceStore } from '../wiring/fleet.ts';
import { graphDeletion, graphStore, subgraphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** Removes each subgraph: its database, its objects, its record, and its place at last, by which it is found. */
export const handler = forwardStep('delete-subgraphs', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const subgraphs = subgraphStore(environment);
  const deletion = graphDeletion(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  const forgetBackups = removesBackups(environment);
  const fleet = { client: new HttpInstanceClient(), services: instanceServices(environment) };
  return async ({ operationId, graphId: parentId }, last) => {
    const parent = await graphs.get(parentId);
    const places = Object.entries(parent?.subgraphs ?? {});
    if (parent === undefined || places.length === 0) return;
    const { backup } = (await operations.firstBefore(last)).request as DeletionRequest;
    const host = await hostOf(parent, graphs, instances);
    for (const [name, graphId] of places) {
      if (host !== undefined) await dropDatabase(fleet, host, graphId);
      if (!backup) await forgetBackups(graphId);
      await deletion.erase(graphId, operationId, objects);
      await subgraphs.release({ parentId, name, graphId });
    }
    const completed = { type: 'step_completed', step: 'deleteSubgraphs', percent: 60 } as const;
    await operations.append(operationId, { ...completed, message: 'Subgraphs deleted' }, last);
  };
});
