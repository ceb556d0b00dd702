import { Refusal } from '../../domain/failure.ts';
import type { AccessRequest } from '../../domain/repository/repository-access.ts';
import { currentGraphId } from '../../domain/repository/shared-repositories.ts';
import { forwardStep } from '../pipeline/forward-step.ts';
import { OperationInput } from '../pipeline/step-function.ts';
import { operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore, repositoryStore } from '../wiring/repository.ts';

/**
 * Records the tenant's access, which is not usable yet; one that is active already is left as it is. When the operation
 * was undone while this run was held up, the run takes back what it recorded, because nobody else would.
 * @throws {Refusal} `conflict` when another operation is granting or ending it, `operation_over`
 */
export const handler = forwardStep('grant-access', OperationInput, (environment) => {
  const operations = operationLog(environment);
  const repositories = repositoryStore(environment);
  const accesses = repositoryAccessStore(environment);
  return async ({ operationId }, last) => {
    const { tenantId, request } = await operations.firstBefore(last);
    const { repository, plan } = request as AccessRequest;
    const access = await accesses.grant({
      tenantId,
      repository,
      plan,
      graphId: await currentGraphId(repositories, repository),
      status: 'granting',
      operationId,
      grantedAt: new Date().toISOString(),
    });
    if (access.operationId !== operationId && access.status !== 'active') {
      throw new Refusal('conflict', `The access is ${access.status} by the operation "${access.operationId}".`, {
        operationId: access.operationId,
      });
    }
    try {
      // The log is asked whether it still goes forward, now that the record is there for an undo to find.
      const running = await operations.append(operationId, { type: 'started', message: 'Granting access' });
      const granted = { type: 'step_completed', step: 'grantAccess', percent: 60, message: 'Access granted' } as const;
      await operations.append(operationId, granted, running);
    } catch (error) {
      if (error instanceof Refusal) await accesses.remove(tenantId, repository, operationId, ['granting']);
      throw error;
    }
  };
});
