import { getFlagsRoute } from '../../contract/api/billing-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { flagStore } from '../wiring/flags.ts';

/** GET /v1/fleet/flags */
export const handler = apiFunction('get-flags', getFlagsRoute, (environment) => {
  const flags = flagStore(environment);
  return async () => ({ status: 200, body: await flags.get() });
});
