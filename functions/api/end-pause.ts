import { endPauseRoute } from '../../contract/api/gate-routes.ts';
import { pausesInForce } from '../../domain/lease/write-pause.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { writePauses } from '../wiring/lease.ts';

/** DELETE /v1/fleet/pause: ends the pause of a tier, or of the fleet. Repeating it is harmless. */
export const handler = apiFunction('end-pause', endPauseRoute, (environment) => {
  const pauses = writePauses(environment);
  return async ({ query }) => {
    await pauses.remove(query.tier ?? null);
    return { status: 200, body: await pausesInForce(pauses, new Date()) };
  };
});
