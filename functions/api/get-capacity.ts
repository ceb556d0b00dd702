import { getCapacityRoute } from '../../contract/api/fleet-routes.ts';
import type { KnownCapacity } from '../../domain/fleet/capacity.ts';
import { knownCapacity } from '../fleet.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';

/** GET /v1/capacity */
export const getCapacity =
  (capacity: KnownCapacity) =>
  async ({ query }: ApiRequest<typeof getCapacityRoute>): Promise<ApiResponse> => ({
    status: 200,
    body: await capacity.of(query.tier),
  });

export const handler = apiFunction('get-capacity', getCapacityRoute, (environment) =>
  getCapacity(knownCapacity(environment)),
);
