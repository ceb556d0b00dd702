import * as z from 'zod';
import { Retryable, Terminal } from '../../domain/failure.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import { JOB_KINDS, type JobKind, type JobOf } from '../../domain/fleet/instance-job.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { graphStore, instanceStore } from '../dependencies.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { StepInput } from '../pipeline/step-function.ts';

const JobInput = StepInput.extend({ kind: z.enum(JOB_KINDS), taskToken: z.string() });

/** What a job of a kind needs to know besides who asks for it, and the instance that is to do it. */
type Assignment<Kind extends JobKind> = {
  placement: string | null;
  job: Omit<JobOf<Kind>, 'operationId' | 'graphId' | 'taskToken' | 'generation'>;
};

const ASSIGNMENTS: { readonly [Kind in JobKind]: (graph: Graph, operationId: string) => Assignment<Kind> } = {
  'build-graph': ({ placement, schema, entity }) => ({
    placement,
    job: { kind: 'build-graph', definition: { schema, entity } },
  }),
  'load-snapshot': ({ graphId, move, snapshot }, operationId) => {
    if (snapshot === null || move?.operationId !== operationId || move.state !== 'preparing') {
      throw new Terminal('conflict', `The graph "${graphId}" does not move to where its snapshot was to be loaded.`);
    }
    return { placement: move.spare.placement, job: { kind: 'load-snapshot', snapshot } };
  },
};

/** Hands a job to the instance that it is for, which reports to the workflow by the task token. */
export const handler = forwardStep('dispatch-job', JobInput, (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const client = new HttpInstanceClient();
  return async ({ operationId, graphId, kind, taskToken }) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) throw new Terminal('internal', `The graph "${graphId}" has no record.`);
    const host = (await placedGraph(graph, graphs))?.placement ?? null;
    const { placement, job } = ASSIGNMENTS[kind]({ ...graph, placement: host }, operationId);
    if (placement === null) throw new Terminal('internal', `The graph "${graphId}" has no slot.`);
    const instance = await instances.get(placement);
    if (instance === undefined) throw new Retryable('unavailable', `Instance "${placement}" is not registered.`);
    await client.startJob(instance, { ...job, operationId, graphId, taskToken, generation: instance.generation });
  };
});
