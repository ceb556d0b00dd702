import { undrainInstanceRoute } from '../../contract/api/gate-routes.ts';
import { whenOpened } from '../afterwards/serve-waiting.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { showInstance } from '../views/show-instance.ts';
import { instanceStore } from '../wiring/fleet.ts';
import { leaseStore, manualDrains } from '../wiring/lease.ts';

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
