import { setPauseRoute } from '../../contract/api/gate-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { MOST_PAUSE_MS } from '../../domain/lease/write-pause.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { writePauses } from '../wiring/lease.ts';

/** PUT /v1/fleet/pause: refuses new work on a tier, or on the fleet, until a declared end. */
export const handler = apiFunction('set-pause', setPauseRoute, (environment) => {
  const pauses = writePauses(environment);
  return async ({ body, actor }) => {
    const left = Date.parse(body.until) - Date.now();
    if (left <= 0 || left > MOST_PAUSE_MS) {
      const issues = [{ path: 'until', message: 'must be in the future, and within a day' }];
      throw new Refusal('invalid_request', 'A pause ends by itself, within a day.', { issues });
    }
    const pause = { ...body, owner: actor };
    await pauses.put(pause);
    return { status: 200, body: pause };
  };
});
