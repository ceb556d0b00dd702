import { retireInstanceRoute } from '../../contract/api/gate-routes.ts';
import type { Retirements } from '../../domain/fleet/retirements.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { retirements } from '../fleet.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';

/** DELETE /v1/fleet/instances/{instanceId}: takes an instance out of the fleet. */
export const retireInstance =
  (fleet: Retirements) =>
  async (call: ApiRequest<typeof retireInstanceRoute>): Promise<ApiResponse> => {
    const { params, query, tenantId, actor, idempotencyKey } = call;
    // The key is the operator's, whatever the fleet's other operators call theirs.
    const operationId = operationIdFor(`~fleet ${tenantId}`, idempotencyKey);
    return accepted(await fleet.retire(params.instanceId, { ...query, operationId, actor }));
  };

export const handler = apiFunction('retire-instance', retireInstanceRoute, (environment) =>
  retireInstance(retirements(environment)),
);
