import { drainInstanceRoute } from '../../contract/api/gate-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { showInstance } from '../views/show-instance.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { leaseStore, manualDrains } from '../wiring/lease.ts';

/** POST /v1/fleet/instances/{instanceId}/drain: closes the gate until somebody opens it again. Repeating it is harmless. */
export const handler = apiFunction('drain-instance', drainInstanceRoute, (environment) => {
  const drains = manualDrains(environment);
  const show = showInstance(instanceStore(environment), leaseStore(environment));
  return async ({ params, body }) => {
    await drains.begin(params.instanceId, body.reason);
    return show(params.instanceId);
  };
});
