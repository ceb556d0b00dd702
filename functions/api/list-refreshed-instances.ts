import { listRefreshedInstancesRoute } from '../../contract/api/refresh-routes.ts';
import { Refusal } from '../../domain/failure.ts';
import type { ReportedInstance } from '../../domain/refresh/refresh-report.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { refreshedInstanceView } from '../views/refresh-view.ts';
import { operationLog } from '../wiring/operation.ts';
import { refreshReport } from '../wiring/refresh.ts';

/** GET /v1/fleet/refreshes/{operationId}/instances: the plan of a refresh, how far it is, and what became of it. */
export const handler = apiFunction('list-refreshed-instances', listRefreshedInstancesRoute, (environment) => {
  const operations = operationLog(environment);
  const report = refreshReport(environment);
  return async ({ params, query }) => {
    const { operationId } = params;
    const { limit, cursor } = query;
    const operation = await operations.get(operationId);
    if (operation.kind !== 'fleet.refresh') {
      throw new Refusal('not_found', `"${operationId}" is a ${operation.kind}, not a refresh of the fleet.`);
    }
    const from = placeOf(cursor);
    // One more than is shown tells whether there is a next page.
    const found = await report.page(operationId, { from, limit: limit + 1 });
    const instances = await Promise.all(found.slice(0, limit).map(async (one) => view(one)));
    return { status: 200, body: { instances, cursor: found.length > limit ? cursorOf(from + limit) : null } };

    async function view(instance: ReportedInstance) {
      const isOpen = instance.result === null && instance.operationId !== null;
      const current = isOpen ? await operations.find(instance.operationId ?? '') : undefined;
      return refreshedInstanceView(instance, current);
    }
  };
});

const cursorOf = (place: number): string => Buffer.from(String(place)).toString('base64url');

const placeOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return 0;
  const text = Buffer.from(cursor, 'base64url').toString();
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new Refusal('invalid_request', 'The cursor is not one that this listing gave out.', {
    issues: [{ path: 'cursor', message: 'Use the `cursor` of the page before, or leave it out.' }],
  });
};
