import { getHealthRoute } from '../../contract/api/service-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';

/** GET /v1/health */
export const handler = apiFunction('get-health', getHealthRoute, () => async () => ({
  status: 200,
  body: { status: 'ok' },
}));
