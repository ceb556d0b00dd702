import { retireInstanceRoute } from '../../contract/api/gate-routes.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { retirements } from '../wiring/fleet.ts';

/** DELETE /v1/fleet/instances/{instanceId}: takes an instance out of the fleet. */
export const handler = apiFunction('retire-instance', retireInstanceRoute, (environment) => {
  const fleet = retirements(environment);
  return async ({ params, query, tenantId, actor, idempotencyKey }) => {
    // The key is the operator's, whatever the fleet's other operators call theirs.
    const operationId = operationIdFor(`~fleet ${tenantId}`, idempotencyKey);
    return accepted(await fleet.retire(params.instanceId, { ...query, operationId, actor }));
  };
});
