import { undrainInstanceRoute } from '../../contract/api/gate-routes.ts';
import { instanceStore, leaseStore, manualDrains } from '../dependencies.ts';
import { whenOpened } from '../fleet.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { showInstance } from '../views/show-instance.ts';

/** POST /v1/fleet/instances/{instanceId}/undrain: opens the gate that an operator closed, and lets go on what waits. */
export const handler = apiFunction('undrain-instance', undrainInstanceRoute, (environment) => {
  const drains = manualDrains(environment);
  const opened = whenOpened(environment);
  const show = showInstance(instanceStore(environment), leaseStore(environment));
  return async ({ params }) => {
    await opened(await drains.end(params.instanceId));
    return show(params.instanceId);
  };
});
