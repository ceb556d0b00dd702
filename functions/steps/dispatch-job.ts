import * as z from 'zod';
import { Terminal } from '../../domain/failure.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { JOB_KINDS } from '../../domain/fleet/instance-job.ts';
import { ASSIGNMENTS, assignedInstance, leaseKindOf } from '../../domain/fleet/job-assignments.ts';
import { holdingOf, leaseIdFor } from '../../domain/lease/lease.ts';
import { NO_HOLDING, type OperationEvent } from '../../domain/operation/operation-event.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { about } from '../telemetry/logger.ts';
import { graphStore } from '../wiring/graph.ts';
import { leases } from '../wiring/lease.ts';
import { operationLog } from '../wiring/operation.ts';

const JobInput = StepInput.extend({
  kind: z.enum(JOB_KINDS),
  taskToken: z.string(),
  /** When the state was entered, and how many times it was tried before: they number the holding. */
  enteredAt: z.string(),
  retry: z.int(),
  /** The state was tried before. */
  isAgain: z.boolean(),
});

/**
 * Takes a lease on the instance that a job is for and hands the job to it under the lease; the instance reports to the
 * workflow by the task token. Nothing gets to work on an instance without being counted there.
 * @throws {InstanceDraining} the instance takes no work now: the operation is to wait for it
 */
export const handler = forwardStep('dispatch-job', JobInput, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const holdings = leases(environment);
  const client = new HttpInstanceClient();

  /**
   * Before it is handed out: a run that was taken for lost, and wakes up, finds that another has the work. The first
   * handing out has nobody before it, and is not told.
   */
  const tellHolding = async (
    last: OperationEvent,
    { instanceId, holding, isAgain }: { instanceId: string; holding: number; isAgain: boolean },
  ): Promise<void> => {
    const { operationId } = last;
    const takesWork = { type: 'started', message: `${instanceId} takes work again`, holding } as const;
    const known = last.status === 'queued' ? await operations.append(operationId, takesWork, last) : last;
    const told = known.holding ?? (isAgain ? NO_HOLDING : holding);
    if (told >= holding) return;
    const message = isAgain ? `Tried again, on ${instanceId}` : `Goes to ${instanceId}`;
    await operations.append(operationId, { type: 'progress', message, holding }, known);
  };

  return async ({ operationId, graphId, kind, taskToken, enteredAt, retry, isAgain }, last) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) throw new Terminal('internal', `The graph "${graphId}" has no record.`);
    const instanceId = await assignedInstance(kind, graph, graphs, operationId);
    const turn = holdingOf(enteredAt, retry);
    const held = await holdings.acquireInTurn(instanceId, operationId, leaseKindOf(kind, last), turn);
    // The try has settled, or a later one is at work: whoever reports to this one's token has done so.
    if (held === undefined) return;
    const { instance, holding } = held;
    await tellHolding(last, { instanceId, holding, isAgain });
    const leaseId = leaseIdFor(operationId, holding);
    about(instance);
    const { generation } = instance;
    const job = {
      ...ASSIGNMENTS[kind].content(graph, operationId),
      operationId,
      graphId,
      tenantId: last.tenantId,
      taskToken,
      generation,
      leaseId,
    };
    await client.startJob(instance, job);
  };
});
