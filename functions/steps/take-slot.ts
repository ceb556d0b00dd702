import { noMoreGraphs } from '../../domain/billing/payment-gate.ts';
import { requireApproval } from '../../domain/fleet/approval.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { type GraphRequest, graphRequestedBy } from '../../domain/graph/graph-request.ts';
import { goesForward } from '../../domain/operation/operation.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphQuota } from '../wiring/billing.ts';
import { capacityWait, placementOf, tierStore } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/** Of a graph that was accepted when nobody asked how many there are. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;
/** Serves one, and does not go on. */
const NO_LONGER = 0;

/**
 * Counts the graph among its tenant's, records it and takes its slot. The operation has started from here on, if its log
 * admits that.
 * @throws {Refusal} `limit_reached`, `operation_over`, `conflict`, `forbidden`
 * @throws {WaitingForInput} an operator is to agree first
 * @throws {WaitingForCapacity} others wait for a slot already, or there is none
 */
export const handler = forwardStep('take-slot', StepInput, (environment) => {
  const operations = operationLog(environment);
  const graphs = graphStore(environment);
  const tiers = tierStore(environment);
  const placement = placementOf(environment);
  const capacity = capacityWait(environment);
  const quota = graphQuota(environment);

  const admit = async ({ tenantId, graphId }: Graph, { maxGraphs = NO_LIMIT }: GraphRequest) => {
    if (!(await quota.admit(tenantId, graphId, maxGraphs))) throw noMoreGraphs(maxGraphs);
  };

  /**
   * Undoes this run, when its operation was over while it was held up: nobody else would. A graph that came to be used
   * stays; one that was deleted since does not come back.
   */
  const undoIfLate = async ({ tenantId, graphId }: Graph, operationId: string) => {
    const { status } = await operations.last(operationId);
    if (goesForward(status)) return;
    const graph = await graphs.get(graphId);
    if (graph !== undefined && graph.status !== 'provisioning') return;
    if (graph !== undefined) await placement.freeSlot(graph);
    await graphs.remove(graphId, operationId);
    await quota.release(tenantId, graphId);
    if (graph !== undefined) await capacity.serve(graph.tier);
  };

  return async ({ operationId }, last) => {
    const accepted = await operations.firstBefore(last);
    const requested = graphRequestedBy(accepted);
    await requireApproval(operations, tiers, last, requested.tier);
    const started = { type: 'started', step: 'takeSlot', percent: 10, message: 'Slot taken' } as const;
    try {
      await admit(requested, accepted.request as GraphRequest);
      await placement.takeSlot(requested);
      await operations.append(operationId, started, last);
    } catch (error) {
      await undoIfLate(requested, operationId);
      throw error;
    }
    // Whoever was woken wakes another: a run of serving may end before everybody has got what there is.
    if (last.status === 'queued') await capacity.serve(requested.tier, NO_LONGER);
  };
});
