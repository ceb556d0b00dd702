import { type AuditView, listAuditRoute } from '../../contract/api/audit-routes.ts';
import type { AuditEntry } from '../../domain/audit/audit.ts';
import { Refusal } from '../../domain/failure.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { spanFrom } from '../requests/span.ts';
import { auditStore } from '../wiring/audit.ts';

/** GET /v1/audit: a tenant's own entries; to operators, everybody's or those of one tenant. */
export const handler = apiFunction('list-audit', listAuditRoute, (environment) => {
  const audit = auditStore(environment);
  return async ({ tenantId, scopes, query }) => {
    const { tenant = scopes.includes('fleet:read') ? undefined : tenantId, limit, cursor, ...asked } = query;
    const span = spanFrom(asked, new Date());
    if (tenant !== tenantId && !scopes.includes('fleet:read')) {
      throw new Refusal('forbidden', 'The audit of another tenant needs the scope "fleet:read".');
    }
    const page =
      tenant === undefined
        ? await audit.list(span, { limit, cursor })
        : await audit.listByTenant(tenant, span, { limit, cursor });
    return { status: 200, body: { entries: page.items.map(auditView), cursor: page.cursor } };
  };
});

const auditView = ({ auditId, at, type, tenantId, actor, action, operationId, graphId, outcome, detail }: AuditEntry) =>
  ({ auditId, at, type, tenantId, actor, action, operationId, graphId, outcome, detail }) satisfies AuditView;
