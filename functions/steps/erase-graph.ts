import { backupPrefix } from '../../domain/backup/backup.ts';
import { closePool, GRAPHS } from '../../domain/billing/credit-debts.ts';
import { Retryable } from '../../domain/failure.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { openObjectStore } from '../../domain/snapshot/open-object-store.ts';
import { removesBackups } from '../afterwards/remove-backups.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { creditStores, graphQuota } from '../wiring/billing.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { graphDeletion, graphStore, subgraphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Gives back what a graph counted for, then removes all that is left of it, and with that the operation ends with
 * success. A subgraph lives on the credits of its parent, and counts there: it gives back its place. The record stays
 * while its slot is held: without it nobody would find the slot.
 */
export const handler = forwardStep('erase-graph', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const subgraphs = subgraphStore(environment);
  const pools = creditStores(environment);
  const quota = graphQuota(environment);
  const deletion = graphDeletion(environment);
  const objects = openObjectStore(environment.OBJECT_STORE_URL);
  const forgetBackups = removesBackups(environment);
  return async ({ operationId, graphId }, last) => {
    const { place, backup } = (await operations.firstBefore(last)).request as DeletionRequest;
    const placement = (await graphs.get(graphId))?.placement ?? null;
    const slots = placement === null ? {} : await instances.readSlots(placement);
    if (graphId in slots) throw new Retryable('conflict', `The slot of "${graphId}" is still held.`);
    // By its record the next deletion finds a graph, if this one stops; a subgraph is found by its place in its parent.
    if (place === null) {
      await closePool(pools, { tenantId: last.tenantId, kind: GRAPHS, pool: graphId });
      await quota.release(last.tenantId, graphId);
    }
    if (!backup) await forgetBackups(graphId);
    await deletion.erase(graphId, operationId, objects);
    if (place !== null) await subgraphs.release({ ...place, graphId });
    const backups = await objects.list(backupPrefix(graphId, operationId));
    const result = { graphId, backups };
    await operations.append(operationId, { type: 'succeeded', message: 'Graph deleted', result }, last);
  };
});
