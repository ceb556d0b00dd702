import { listInstancesRoute } from '../../contract/api/fleet-routes.ts';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { instanceViews } from '../views/fleet-view.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';

/** GET /v1/fleet/instances */
export const handler = apiFunction('list-instances', listInstancesRoute, (environment) => {
  const instances = instanceStore(environment);
  const leases = leaseStore(environment);
  return async ({ query }) => {
    const { tier: asked, state } = query;
    const tiers = asked === undefined ? FLEET_TIERS : [asked];
    const listed = await Promise.all(
      tiers.map((tier) => (state === undefined ? instances.listAll(tier) : instances.listByTier(tier, state))),
    );
    return { status: 200, body: await instanceViews(listed.flat(), leases) };
  };
});
