import { openApiDocument } from '../../contract/api/open-api.ts';
import { getOpenApiRoute } from '../../contract/api/service-routes.ts';
import { apiFunction } from '../pipeline/api-function.ts';

/** GET /v1/openapi.json: generated from the schemas that validate. */
export const handler = apiFunction('get-open-api', getOpenApiRoute, () => {
  const body = openApiDocument();
  return async () => ({ status: 200, body });
});
