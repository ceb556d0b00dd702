import { listInstancesRoute } from '../../contract/api/fleet-routes.ts';
import type { InstanceStore } from '../../domain/fleet/instance.ts';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import type { LeaseStore } from '../../domain/lease/lease-store.ts';
import { instanceStore, leaseStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { instanceViews } from '../views/fleet-view.ts';

/** GET /v1/fleet/instances */
export const listInstances =
  (instances: InstanceStore, leases: Pick<LeaseStore, 'get'>) =>
  async ({ query }: ApiRequest<typeof listInstancesRoute>): Promise<ApiResponse> => {
    const { tier: asked, state } = query;
    const tiers = asked === undefined ? FLEET_TIERS : [asked];
    const listed = await Promise.all(
      tiers.map((tier) => (state === undefined ? instances.listAll(tier) : instances.listByTier(tier, state))),
    );
    return { status: 200, body: await instanceViews(listed.flat(), leases) };
  };

export const handler = apiFunction('list-instances', listInstancesRoute, (environment) =>
  listInstances(instanceStore(environment), leaseStore(environment)),
);
