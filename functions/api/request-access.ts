import { requestAccessRoute } from '../../contract/api/repository-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { AccessRequest } from '../../domain/repository/repository-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { paymentGate } from '../wiring/billing.ts';
import { pauseGate } from '../wiring/lease.ts';
import { operationCommands, operationLog } from '../wiring/operation.ts';
import { repositoryAccessStore } from '../wiring/repository.ts';

/** POST /v1/repositories/{repository}/access: begins to give the tenant access. One that has it keeps it as it is. */
export const handler = apiFunction('request-access', requestAccessRoute, (environment) => {
  const accesses = repositoryAccessStore(environment);
  const operations = operationLog(environment);
  const commands = operationCommands(environment);
  const gate = paymentGate(environment);
  const pauses = pauseGate(environment);
  return async ({ tenantId, actor, idempotencyKey, params, body }) => {
    const { repository } = params;
    const operationId = operationIdFor(tenantId, idempotencyKey);
    // A repeated call gets the first one's answer, whatever has become of the access.
    if ((await operations.find(operationId)) === undefined) {
      await gate.check(tenantId);
      await pauses.pass('shared');
      const access = await accesses.get(tenantId, repository);
      if (access !== undefined && access.status !== 'active') {
        throw new Refusal('conflict', `The access is ${access.status}.`, { operationId: access.operationId });
      }
    }
    const request: AccessRequest = { repository, plan: body.plan };
    return accepted(
      await commands.accept({ operationId, kind: 'repository.access', tenantId, graphId: null, actor, request }),
    );
  };
});
