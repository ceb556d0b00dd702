import { runJobRoute } from '../../contract/api/job-routes.ts';
import type { ExternalJobRequest } from '../../domain/external-job/external-job.ts';
import { Refusal } from '../../domain/failure.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { graphOf } from '../access/tenant-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';

/** It is kept in an item of the log, and read at each look at the job. */
const MAX_CONFIG_BYTES = 64 * 1_024;

/** POST /v1/graphs/{graphId}/jobs: runs, for a graph, one of the jobs elsewhere that the operator has configured. */
export const handler = apiFunction('run-job', runJobRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const gate = paymentGate(environment);
  const jobs = Object.keys(environment.DAGSTER.jobs).sort();
  return async ({ tenantId, actor, idempotencyKey, params, body }) => {
    const { graphId } = params;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    const request: ExternalJobRequest = body;
    // A repeated call gets the first one's answer, whatever is configured by now.
    if ((await operations.find(operationId)) === undefined) {
      await gate.check(tenantId);
      await graphOf(graphs, operations, tenantId, graphId);
      if (!jobs.includes(body.job)) throw unknownJob(body.job, jobs);
      const bytes = Buffer.byteLength(JSON.stringify(body.config));
      if (bytes > MAX_CONFIG_BYTES) {
        throw new Refusal('too_large', `The config is ${bytes} bytes; this service takes ${MAX_CONFIG_BYTES}.`);
      }
    }
    const compared = { graphId, ...body };
    return accepted(
      await commands.accept({ operationId, kind: 'job.run', tenantId, graphId, actor, request, body: compared }),
    );
  };
});

const unknownJob = (job: string, jobs: readonly string[]): Refusal =>
  new Refusal(
    'not_found',
    `There is no job "${job}"; ${jobs.length === 0 ? 'none is configured' : `there are: ${jobs.join(', ')}`}.`,
  );
