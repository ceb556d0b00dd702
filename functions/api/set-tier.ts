import { setTierRoute } from '../../contract/api/fleet-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { logger } from '../telemetry/logger.ts';
import { tierView } from '../views/fleet-view.ts';
import { launches, tierStore } from '../wiring/fleet.ts';

/** PUT /v1/fleet/tiers/{tier}: sets what is wanted of a tier, and launches what it lacks then. */
export const handler = apiFunction('set-tier', setTierRoute, (environment) => {
  const tiers = tierStore(environment);
  const fleet = launches(environment);
  return async ({ params, body }) => {
    const wanted = await tiers.put({ ...body, tier: params.tier });
    await fleet.keep(params.tier).catch((error: unknown) => {
      logger.warn('What the tier lacks is launched by the schedule', { tier: params.tier, error: error as Error });
    });
    return { status: 200, body: tierView(wanted) };
  };
});
