import { setTierRoute } from '../../contract/api/fleet-routes.ts';
import type { Launches } from '../../domain/fleet/launches.ts';
import type { TierStore } from '../../domain/fleet/tier.ts';
import { tierStore } from '../dependencies.ts';
import { launches } from '../fleet.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { logger } from '../pipeline/logger.ts';
import { tierView } from '../views/fleet-view.ts';

/** PUT /v1/fleet/tiers/{tier}: sets what is wanted of a tier, and launches what it lacks then. */
export const setTier =
  (tiers: TierStore, fleet: Launches) =>
  async ({ params, body }: ApiRequest<typeof setTierRoute>): Promise<ApiResponse> => {
    const wanted = await tiers.put({ ...body, tier: params.tier });
    await fleet.keep(params.tier).catch((error: unknown) => {
      logger.warn('What the tier lacks is launched by the schedule', { tier: params.tier, error: error as Error });
    });
    return { status: 200, body: tierView(wanted) };
  };

export const handler = apiFunction('set-tier', setTierRoute, (environment) =>
  setTier(tierStore(environment), launches(environment)),
);
