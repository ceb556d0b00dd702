import { setFlagsRoute } from '../../contract/api/billing-routes.ts';
import type { FlagStore } from '../../domain/flags/feature-flags.ts';
import { flagStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';

/** PUT /v1/fleet/flags */
export const setFlags =
  (flags: FlagStore) =>
  async ({ body }: ApiRequest<typeof setFlagsRoute>): Promise<ApiResponse> => {
    await flags.put(body);
    return { status: 200, body };
  };

export const handler = apiFunction('set-flags', setFlagsRoute, (environment) => setFlags(flagStore(environment)));
