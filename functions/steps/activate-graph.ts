import { remindOfUse } from '../../domain/billing/account-lifecycle.ts';
import { GRAPHS, openPool } from '../../domain/billing/credit-debts.ts';
import { CREDITS_BY_TIER } from '../../domain/billing/plan.ts';
import { Terminal } from '../../domain/failure.ts';
import { endOfFork, forkedIn } from '../../domain/graph/fork.ts';
import { type Graph, writerOf } from '../../domain/graph/graph.ts';
import type { EventDraft, OperationEvent } from '../../domain/operation/operation-event.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { accountStore, creditStores, reminderStore } from '../wiring/billing.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';

/**
 * Makes a published graph usable and ends the operation with success. Before that it gets its credits, and the
 * subscription that bought it is active: whoever sees the graph sees them too. Whatever of it has been undone refuses a
 * run that is late.
 * @throws {Terminal} `conflict`
 */
export const handler = forwardStep('activate-graph', StepInput, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const pools = creditStores(environment);
  const accounts = accountStore(environment);
  const reminders = reminderStore(environment);

  const activateSubscription = async ({ tenantId, subscriptionId }: Graph, operationId: string) => {
    if (subscriptionId === null || (await accounts.activate(tenantId, subscriptionId, operationId))) return;
    throw new Terminal('conflict', `The subscription "${subscriptionId}" does not wait for this operation.`);
  };

  const endOf = (graphId: string, last: OperationEvent): EventDraft =>
    last.kind === 'subgraph.fork'
      ? endOfFork(graphId, forkedIn(last))
      : { type: 'succeeded', message: 'Graph active', result: { graphId } };

  return async ({ graphId, operationId }, last) => {
    const graph = await graphs.get(graphId);
    // A subgraph lives on the credits of its parent.
    if (graph !== undefined && graph.parentId === null) {
      const { tenantId, tier } = graph;
      const pool = { tenantId, kind: GRAPHS, pool: graphId };
      await openPool(pools, pool, { key: operationId, amount: CREDITS_BY_TIER[tier] });
      await activateSubscription(graph, operationId);
    }
    if (!(await graphs.activate(graphId, writerOf(operationId)))) {
      throw new Terminal('conflict', `The graph "${graphId}" is not this operation's to activate.`);
    }
    if (graph?.subscriptionId === null) await remindOfUse(accounts, reminders, graph.tenantId);
    await operations.append(operationId, endOf(graphId, last), last);
  };
});
