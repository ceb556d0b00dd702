import { AUDIT_ROUTES } from './audit-routes.ts';
import { BACKUP_ROUTES } from './backup-routes.ts';
import { BILLING_ROUTES } from './billing-routes.ts';
import { Problem } from './common.ts';
import { FLEET_ROUTES } from './fleet-routes.ts';
import { GATE_ROUTES } from './gate-routes.ts';
import { GRAPH_ROUTES } from './graph-routes.ts';
import { JOB_ROUTES } from './job-routes.ts';
import { MATERIALIZATION_ROUTES } from './materialization-routes.ts';
import { OPERATION_ROUTES } from './operation-routes.ts';
import { REFRESH_ROUTES } from './refresh-routes.ts';
import { REPOSITORY_ROUTES } from './repository-routes.ts';
import type { Route } from './route.ts';
import { SERVICE_ROUTES } from './service-routes.ts';
import { SUBGRAPH_ROUTES } from './subgraph-routes.ts';
import { TABLE_ROUTES } from './table-routes.ts';
import { TIER_ROUTES } from './tier-routes.ts';

/** Every route of the API. */
export const ROUTES: readonly Route[] = [
  ...GRAPH_ROUTES,
  ...SUBGRAPH_ROUTES,
  ...TABLE_ROUTES,
  ...MATERIALIZATION_ROUTES,
  ...BACKUP_ROUTES,
  ...TIER_ROUTES,
  ...REPOSITORY_ROUTES,
  ...JOB_ROUTES,
  ...OPERATION_ROUTES,
  ...AUDIT_ROUTES,
  ...BILLING_ROUTES,
  ...FLEET_ROUTES,
  ...REFRESH_ROUTES,
  ...GATE_ROUTES,
  ...SERVICE_ROUTES,
];

/** What every route may answer when it does not succeed. */
export const PROBLEM_ANSWER = { description: 'A problem.', schema: Problem } as const;
