import type { AccessRequest } from '../../domain/repository/repository-access.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';
import { sharedRepositories } from '../wiring/repository.ts';

/**
 * Sees to it that the repository is there. It has no undo: a repository belongs to the fleet, and others may read it.
 * @throws {Retryable} `graph_not_ready` while it is being created
 * @throws {Terminal} it could not be created
 */
export const handler = forwardStep('ensure-repository', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const repositories = sharedRepositories(environment);
  return async ({ operationId }, last) => {
    const { createdAt, request } = await operations.firstBefore(last);
    const { repository } = request as AccessRequest;
    const started = {
      type: 'started',
      step: 'ensureRepository',
      percent: 10,
      message: 'Preparing the repository',
    } as const;
    const running = await operations.append(operationId, started, last);
    await repositories.ensure(repository, createdAt);
    const ensured = {
      type: 'step_completed',
      step: 'ensureRepository',
      percent: 40,
      message: 'Repository ready',
    } as const;
    await operations.append(operationId, ensured, running);
  };
});
