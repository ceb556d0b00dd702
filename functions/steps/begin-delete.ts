import { paysFor } from '../../domain/billing/account.ts';
import { Refusal } from '../../domain/failure.ts';
import type { DeletionRequest } from '../../domain/graph/deletion.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { accountStore } from '../wiring/billing.ts';
import { tierMove } from '../wiring/fleet.ts';
import { graphDeletion, graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Claims the graph and its subgraphs for their deletion: from here on nobody reads or changes them. A run that is late
 * for its operation's log gives back what it claimed.
 * @throws {Refusal} `operation_over`, `conflict`, `graph_not_ready`, `not_found`
 */
export const handler = forwardStep('begin-delete', StepInput, (environment) => {
  const operations = operationLog(environment);
  const deletion = graphDeletion(environment);
  const moves = tierMove(environment);
  const graphs = graphStore(environment);
  const accounts = accountStore(environment);

  const mustBeUnpaid = async (graphId: string) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) return;
    // One that is suspended still may be about to be brought back.
    const isPaid = graph.status === 'active' || paysFor(await accounts.get(graph.tenantId), graph);
    if (isPaid) throw new Refusal('conflict', `The graph "${graphId}" is paid for again.`);
  };

  return async ({ operationId, graphId }, last) => {
    const request = (await operations.firstBefore(last)).request as DeletionRequest;
    if (request.unlessPaid) await mustBeUnpaid(graphId);
    await moves.finishStopped(graphId, operations);
    await deletion.begin(graphId, operationId, request);
    const started = { type: 'started', step: 'beginDelete', percent: 10, message: 'Graph out of use' } as const;
    try {
      await operations.append(operationId, started, last);
    } catch (error) {
      if (error instanceof Refusal && (await operations.last(operationId)).cancellable) {
        await deletion.abandon(graphId, operationId);
      }
      throw error;
    }
  };
});
