import { launchInstanceRoute } from '../../contract/api/fleet-routes.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { accepted } from '../views/operation-view.ts';
import { launches } from '../wiring/fleet.ts';

/** POST /v1/fleet/instances: launches one more instance of a tier. */
export const handler = apiFunction('launch-instance', launchInstanceRoute, (environment) => {
  const fleet = launches(environment);
  return async ({ body, tenantId, actor, idempotencyKey }) => {
    // The key is the operator's, whatever the fleet's other operators call theirs.
    const operationId = operationIdFor(`~fleet ${tenantId}`, idempotencyKey);
    return accepted(await fleet.launch(body.tier, { operationId, actor }));
  };
});
