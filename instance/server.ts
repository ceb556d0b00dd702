import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import * as z from 'zod';
import { FAILURE_STATUS, Failure, Refusal, Retryable } from '../domain/failure.ts';
import { InstanceJob, InstanceQuery } from '../domain/fleet/instance-job.ts';
import { LeaseLost } from '../domain/lease/lease.ts';
import { TRACE_HEADER, withinTrace } from '../domain/trace.ts';
import type { JobRunner } from './jobs/job-runner.ts';
import type { Logger } from './logger.ts';
import { answerQuery } from './query-answer.ts';
import type { SnapshotCache } from './snapshot-cache.ts';

export type InstanceService = {
  jobs: JobRunner;
  cache: SnapshotCache;
  /** Unknown until the instance has registered; no job is taken before. */
  generation: () => number | undefined;
  logger: Logger;
};

/** The instance's HTTP service. Only the control plane can reach it: it trusts its network and checks no token. */
export const instanceServer = (service: InstanceService): Server =>
  createServer((request, response) => {
    const trace = request.headers[TRACE_HEADER];
    withinTrace(typeof trace === 'string' ? trace : undefined, () => {
      serve(service, request, response).catch((error: unknown) => refuse(service.logger, response, error));
    });
  });

const serve = async (service: InstanceService, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const [, collection, id = ''] = (request.url ?? '').split('/');
  switch (`${request.method} ${collection}`) {
    case 'GET health':
      return answer(response, service.generation() === undefined ? 503 : 200);
    case 'PUT jobs':
      await startJob(service, InstanceJob.parse(await json(request)));
      return answer(response, 202);
    case 'DELETE jobs':
      await service.jobs.abort(decodeURIComponent(id));
      return answer(response, 204);
    case 'DELETE databases':
      await service.cache.drop(decodeURIComponent(id));
      return answer(response, 204);
    case 'POST queries':
      return answerQuery(service.cache, InstanceQuery.parse(await json(request)), response);
    default:
      return answer(response, 404);
  }
};

const startJob = async ({ jobs, generation }: InstanceService, job: InstanceJob): Promise<void> => {
  if (generation() !== job.generation) {
    throw new Retryable('unavailable', `The job is for generation ${job.generation} of this instance.`);
  }
  await jobs.start(job).catch((error: unknown) => {
    if (!(error instanceof LeaseLost)) throw error;
    // The instance was taken from the operation meanwhile; it is to ask for it again.
    throw new Retryable('unavailable', error.message, { cause: error });
  });
};

const answer = (response: ServerResponse, status: number): void => {
  response.writeHead(status).end();
};

const refuse = (logger: Logger, response: ServerResponse, error: unknown): void => {
  if (response.headersSent) {
    // Rows are on their way: ending the connection tells the reader that they are not all.
    response.destroy();
    return;
  }
  const failure = failureOf(error);
  if (failure.code === 'internal') logger.error('A request failed', { error: error as Error });
  const { code, message } = failure;
  response
    .writeHead(FAILURE_STATUS[code], { 'content-type': 'application/json' })
    .end(JSON.stringify({ code, message }));
};

const failureOf = (cause: unknown): Failure => {
  if (cause instanceof Failure) return cause;
  const unreadable = cause instanceof z.ZodError || cause instanceof SyntaxError || cause instanceof URIError;
  if (unreadable) return new Refusal('invalid_request', 'The request is not one that an instance takes.', { cause });
  return new Refusal('internal', 'The instance failed.', { cause });
};
