import { launchInstanceRoute } from '../../contract/api/fleet-routes.ts';
import type { Launches } from '../../domain/fleet/launches.ts';
import { operationIdFor } from '../../domain/identifier.ts';
import { launches } from '../fleet.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { accepted } from '../views/operation-view.ts';

/** POST /v1/fleet/instances: launches one more instance of a tier. */
export const launchInstance =
  (fleet: Launches) =>
  async ({ body, tenantId, actor, idempotencyKey }: ApiRequest<typeof launchInstanceRoute>): Promise<ApiResponse> => {
    // The key is the operator's, whatever the fleet's other operators call theirs.
    const operationId = operationIdFor(`~fleet ${tenantId}`, idempotencyKey);
    return accepted(await fleet.launch(body.tier, { operationId, actor }));
  };

export const handler = apiFunction('launch-instance', launchInstanceRoute, (environment) =>
  launchInstance(launches(environment)),
);
