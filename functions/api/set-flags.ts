import { setFlagsRoute } from '../../contract/api/billing-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { flagStore } from '../wiring/flags.ts';

/** PUT /v1/fleet/flags */
export const handler = apiFunction('set-flags', setFlagsRoute, (environment) => {
  const flags = flagStore(environment);
  return async ({ body }) => {
    await flags.put(body);
    return { status: 200, body };
  };
});
