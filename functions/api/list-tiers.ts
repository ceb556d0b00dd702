import { listTiersRoute } from '../../contract/api/fleet-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { tierView } from '../views/fleet-view.ts';
import { tierStore } from '../wiring/fleet.ts';

/** GET /v1/fleet/tiers */
export const handler = apiFunction('list-tiers', listTiersRoute, (environment) => {
  const tiers = tierStore(environment);
  return async () => ({ status: 200, body: (await tiers.list()).map(tierView) });
});
