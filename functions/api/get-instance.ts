import { getInstanceRoute } from '../../contract/api/gate-routes.ts';
import { instanceStore, leaseStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { showInstance } from '../views/show-instance.ts';

/** GET /v1/fleet/instances/{instanceId} */
export const handler = apiFunction('get-instance', getInstanceRoute, (environment) => {
  const show = showInstance(instanceStore(environment), leaseStore(environment));
  return ({ params }) => show(params.instanceId);
});
