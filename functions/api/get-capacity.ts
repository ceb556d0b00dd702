import { getCapacityRoute } from '../../contract/api/fleet-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { knownCapacity } from '../wiring/fleet.ts';

/** GET /v1/capacity */
export const handler = apiFunction('get-capacity', getCapacityRoute, (environment) => {
  const capacity = knownCapacity(environment);
  return async ({ query }) => ({ status: 200, body: await capacity.of(query.tier) });
});
