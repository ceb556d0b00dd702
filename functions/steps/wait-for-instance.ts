import * as z from 'zod';
import { Terminal } from '../../domain/failure.ts';
import { JOB_KINDS } from '../../domain/fleet/instance-job.ts';
import { assignedInstance } from '../../domain/fleet/job-assignments.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';
import { graphStore } from '../wiring/graph.ts';
import { instanceWaits } from '../wiring/lease.ts';

const WaitInput = StepInput.extend({ kind: z.enum(JOB_KINDS), taskToken: z.string() });

/** Waits until the instance that a job is for takes work again; whoever opens its gate lets the workflow go on. */
export const handler = forwardStep('wait-for-instance', WaitInput, (environment) => {
  const graphs = graphStore(environment);
  const waits = instanceWaits(environment);
  return async ({ operationId, graphId, kind, taskToken }, last) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) throw new Terminal('internal', `The graph "${graphId}" has no record.`);
    await waits.enter(await assignedInstance(kind, graph, graphs, operationId), last, taskToken);
  };
});
