import { listTiersRoute } from '../../contract/api/fleet-routes.ts';
import type { TierStore } from '../../domain/fleet/tier.ts';
import { tierStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tierView } from '../views/fleet-view.ts';

/** GET /v1/fleet/tiers */
export const listTiers = (tiers: TierStore) => async (): Promise<ApiResponse> => ({
  status: 200,
  body: (await tiers.list()).map(tierView),
});

export const handler = apiFunction('list-tiers', listTiersRoute, (environment) => listTiers(tierStore(environment)));
