import { Retryable } from '../../domain/failure.ts';
import { graphStore, instanceStore } from '../dependencies.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';

/** Undoes the record that TakeSlot made. It stays while its slot is held: without it nobody would find the slot. */
export const handler = stepFunction('delete-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  return async ({ graphId, operationId }) => {
    const placement = (await graphs.get(graphId))?.placement ?? null;
    const slots = placement === null ? {} : await instances.readSlots(placement);
    if (slots[graphId] === operationId) throw new Retryable('conflict', `The slot of "${graphId}" is still held.`);
    await graphs.remove(graphId, operationId);
  };
});
