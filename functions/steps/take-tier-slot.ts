import { PastNoReturn } from '../../domain/failure.ts';
import { requireApproval } from '../../domain/fleet/approval.ts';
import type { TierRequest } from '../../domain/fleet/tier-move.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { tierMove, tierStore } from '../wiring/fleet.ts';
import { graphStore, graphWriters } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Begins a graph's move and takes its slot on the other tier. When the operation was undone while this run was held up,
 * the run undoes itself, because nobody else would.
 * @throws {Refusal} `conflict`, `graph_not_ready`, `invalid_request`, `operation_over`, `forbidden`
 * @throws {WaitingForInput} an operator is to agree first
 * @throws {WaitingForCapacity} others wait for a slot already, or there is none
 * @throws {PastNoReturn} the graph is on the tier already
 */
export const handler = forwardStep('take-tier-slot', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const moves = tierMove(environment);
  const writers = graphWriters(environment);
  const tiers = tierStore(environment);

  const undoIfLate = async (graphId: string, operationId: string) => {
    const { status, cancellable } = await operations.last(operationId);
    if (!goesForward(status)) await moves.giveUp(graphId, operationId, { evenSwitched: cancellable });
  };

  return async ({ operationId, graphId }, last) => {
    const { tier } = (await operations.firstBefore(last)).request as TierRequest;
    await moves.finishStopped(graphId, operations);
    await writers.releasePast(graphId);
    const graph = await graphs.get(graphId);
    if (graph?.tier === tier && graph.move === null) {
      const there = { type: 'progress', percent: 80, message: `On tier "${tier}" already` } as const;
      const running = await operations.append(operationId, { type: 'started', message: 'Begun' }, last);
      await operations.append(operationId, { ...there, pointOfNoReturn: true }, running);
      throw new PastNoReturn('conflict', there.message);
    }
    await requireApproval(operations, tiers, last, tier);
    const started = {
      type: 'started',
      step: 'takeTierSlot',
      percent: 20,
      message: `Slot on tier "${tier}" taken`,
    } as const;
    try {
      await moves.takeSlot(graphId, operationId, tier);
      await operations.append(operationId, started, last);
    } catch (error) {
      await undoIfLate(graphId, operationId);
      throw error;
    }
  };
});
