import { listOperationsRoute } from '../../contract/api/operation-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import { FLEET_TENANT } from '../../domain/operation/operation.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { operationView } from '../views/operation-view.ts';
import { operationLog } from '../wiring/operation.ts';

/** GET /v1/operations: the tenant's operations, newest first, a page at a time. */
export const handler = apiFunction('list-operations', listOperationsRoute, (environment) => {
  const operations = operationLog(environment);
  return async ({ query, tenantId, scopes }) => {
    const { limit, cursor, fleet, ...filter } = query;
    const needed = fleet ? 'fleet:read' : 'graphs:read';
    if (!scopes.includes(needed)) throw new Refusal('forbidden', `The token needs the scope "${needed}".`);
    const page = await operations.list(fleet ? FLEET_TENANT : tenantId, filter, { limit, cursor });
    return { status: 200, body: { operations: page.items.map(operationView), cursor: page.cursor } };
  };
});
