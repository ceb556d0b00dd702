import { getFlagsRoute } from '../../contract/api/billing-routes.ts';
import type { FlagStore } from '../../domain/flags/feature-flags.ts';
import { flagStore } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';

/** GET /v1/fleet/flags */
export const getFlags = (flags: FlagStore) => async (): Promise<ApiResponse> => ({
  status: 200,
  body: await flags.get(),
});

export const handler = apiFunction('get-flags', getFlagsRoute, (environment) => getFlags(flagStore(environment)));
