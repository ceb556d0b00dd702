import { Retryable } from '../../domain/failure.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { graphQuota } from '../wiring/billing.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Undoes the record that TakeSlot made, and counts the graph among its tenant's no more. The record stays while its slot
 * is held: without it nobody would find the slot.
 */
export const handler = stepFunction('remove-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const operations = operationLog(environment);
  const quota = graphQuota(environment);
  return async ({ graphId, operationId }) => {
    const placement = (await graphs.get(graphId))?.placement ?? null;
    const slots = placement === null ? {} : await instances.readSlots(placement);
    if (slots[graphId] === operationId) throw new Retryable('conflict', `The slot of "${graphId}" is still held.`);
    await graphs.remove(graphId, operationId);
    await quota.release((await operations.last(operationId)).tenantId, graphId);
  };
});
