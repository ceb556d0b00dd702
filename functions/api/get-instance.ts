import { getInstanceRoute } from '../../contract/api/gate-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { showInstance } from '../views/show-instance.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { leaseStore } from '../wiring/lease.ts';

/** GET /v1/fleet/instances/{instanceId} */
export const handler = apiFunction('get-instance', getInstanceRoute, (environment) => {
  const show = showInstance(instanceStore(environment), leaseStore(environment));
  return ({ params }) => show(params.instanceId);
});
