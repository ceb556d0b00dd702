import * as z from 'zod';
import { Retryable } from '../../domain/failure.ts';
import { SILENT_AFTER_SECONDS } from '../../domain/fleet/heartbeat.ts';
import { placedGraph } from '../../domain/fleet/host.ts';
import { HttpInstanceClient } from '../../domain/fleet/http-instance-client.ts';
import type { Instance } from '../../domain/fleet/instance.ts';
import { JOB_KINDS } from '../../domain/fleet/instance-job.ts';
import { StepInput, stepFunction } from '../pipeline/step-function.ts';
import { logger } from '../telemetry/logger.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { graphStore } from '../wiring/graph.ts';
import { instanceWaits, leases } from '../wiring/lease.ts';

/** Longer than until it is put in quarantine: one that has only missed some heartbeats may still run the job. */
const GONE_AFTER_MS = 2 * SILENT_AFTER_SECONDS * 1_000;
const isGone = ({ heartbeatAt }: Instance): boolean => Date.now() - Date.parse(heartbeatAt) > GONE_AFTER_MS;

/**
 * Undoes the handing out of a job: when this is done the job does not run any more, so nothing is undone under it, and
 * the operation holds the instance no more. An instance that is gone took the job along.
 */
export const handler = stepFunction('stop-job', StepInput.extend({ kind: z.enum(JOB_KINDS) }), (environment) => {
  const graphs = graphStore(environment);
  const instances = instanceStore(environment);
  const holdings = leases(environment);
  const waits = instanceWaits(environment);
  const client = new HttpInstanceClient();
  return async ({ operationId, graphId, kind }) => {
    const graph = await graphs.get(graphId);
    if (graph === undefined) return;
    const host = (await placedGraph(graph, graphs))?.placement;
    for (const placement of new Set([host, graph.move?.spare.placement])) {
      const instance = placement ? await instances.get(placement) : undefined;
      if (instance === undefined) continue;
      await client.stopJob(instance, { operationId, kind }).catch((error: unknown) => {
        if (!(error instanceof Retryable) || !isGone(instance)) throw error;
        logger.warn('An instance that is gone was not asked to stop its job', { operationId, placement, error });
      });
      await holdings.releaseAll(instance.instanceId, operationId);
      await waits.leave(instance.instanceId, operationId);
    }
  };
});
