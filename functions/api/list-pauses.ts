import { listPausesRoute } from '../../contract/api/gate-routes.ts';
import { pausesInForce } from '../../domain/lease/write-pause.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { writePauses } from '../wiring/lease.ts';

/** GET /v1/fleet/pause */
export const handler = apiFunction('list-pauses', listPausesRoute, (environment) => {
  const pauses = writePauses(environment);
  return async () => ({ status: 200, body: await pausesInForce(pauses, new Date()) });
});
