import { requestAccessRoute } from '../../contract/api/repository-routes.ts';
import type { PaymentGate } from '../../domain/billing/payment-gate.ts';
import { Refusal } from '../../domain/failure.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import type { PauseGate } from '../../domain/lease/write-pause.ts';
import type { OperationCommands } from '../../domain/operation/operation-commands.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { AccessRequest, RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { operationCommands, operationLog, pauseGate, paymentGate, repositoryAccessStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';

type Dependencies = {
  accesses: RepositoryAccessStore;
  operations: OperationLog;
  commands: OperationCommands;
  gate: PaymentGate;
  pauses: PauseGate;
};

/** POST /v1/repositories/{repository}/access: begins to give the tenant access. One that has it keeps it as it is. */
export const requestAccess =
  ({ accesses, operations, commands, gate, pauses }: Dependencies) =>
  async (call: ApiRequest<typeof requestAccessRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, idempotencyKey, params, body } = call;
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

export const handler = apiFunction('request-access', requestAccessRoute, (environment) =>
  requestAccess({
    accesses: repositoryAccessStore(environment),
    operations: operationLog(environment),
    commands: operationCommands(environment),
    gate: paymentGate(environment),
    pauses: pauseGate(environment),
  }),
);
