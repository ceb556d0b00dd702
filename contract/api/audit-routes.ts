import * as z from 'zod';
import { AUDIT_TYPES } from '../../domain/audit/audit.ts';
import { Cursor, Limit, pageOf, SpanQuery, Timestamp } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import type { Route } from './route.ts';

const AuditView = z
  .strictObject({
    auditId: z.string(),
    at: Timestamp,
    type: z.enum(AUDIT_TYPES),
    tenantId: z.string().nullable(),
    actor: z.string(),
    action: z
      .string()
      .meta({ description: 'The kind of operation, what was commanded to it, or the route that was called.' }),
    operationId: z.string().nullable(),
    graphId: z.string().nullable(),
    outcome: z
      .string()
      .meta({ description: 'A status of an operation, a code of a problem, or the status of an answer.' }),
    detail: z.string(),
  })
  .meta({ id: 'AuditEntry' });
export type AuditView = z.infer<typeof AuditView>;

export const listAuditRoute = defineRoute({
  ...plain,
  function: 'list-audit',
  method: 'GET',
  path: '/v1/audit',
  summary: 'List who did what, and who was denied what, newest first',
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  query: SpanQuery.extend({
    tenant: z
      .string()
      .max(64)
      .optional()
      .meta({ description: 'Only this tenant; without `fleet:read` it can only be your own, and is.' }),
    limit: Limit,
    cursor: Cursor,
  }),
  answers: {
    200: {
      description: 'A page; it can be short, or empty, and have a cursor all the same.',
      schema: pageOf('entries', AuditView).meta({ id: 'AuditPage' }),
    },
  },
});

export const AUDIT_ROUTES: readonly Route[] = [listAuditRoute];
