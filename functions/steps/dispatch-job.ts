import * as z from 'zod';
import { Retryable, Terminal } from '../../domain/failure.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { JOB_KINDS } from '../../domain/fleet/instance-job.ts';
import { graphStore, instanceStore } from '../dependencies.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';

const JobInput = StepInput.extend({ kind: z.enum(JOB_KINDS), taskToken: z.string() });

/** Hands a job to the graph's instance, which reports to the workflow by the task token. */
export const handler = forwardStep('dispatch-job', JobInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const client = new HttpInstanceClient();
  return async ({ operationId, graphId, kind, taskToken }) => {
    const graph = await graphs.get(graphId);
    if (graph?.placement == null) throw new Terminal('internal', `The graph "${graphId}" has no slot.`);
    const instance = await instances.get(graph.placement);
    if (instance === undefined) throw new Retryable('unavailable', `Instance "${graph.placement}" is not registered.`);
    const { schema, entity } = graph;
    await client.startJob(instance, {
      operationId,
      kind,
      graphId,
      taskToken,
      definition: { schema, entity },
      generation: instance.generation,
    });
  };
});
