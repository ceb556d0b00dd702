import { defineRoute, plain } from './define-route.ts';
import { GraphPath } from './graphs.ts';
import { LoadReport, MaterializationPlan, Materialize, ReportPath, StageTable } from './materializations.ts';
import { AcceptedView } from './operations.ts';
import type { Route } from './route.ts';
import { TablePath } from './tables.ts';

export const stageTableRoute = defineRoute({
  ...plain,
  function: 'stage-table',
  method: 'POST',
  path: '/v1/graphs/{graphId}/tables/{table}/stage',
  summary: 'Stage files into a table; the graph is stale then, until it is materialized',
  scope: 'graphs:write',
  params: TablePath,
  body: StageTable,
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

export const materializeGraphRoute = defineRoute({
  ...plain,
  function: 'materialize-graph',
  method: 'POST',
  path: '/v1/graphs/{graphId}/materializations',
  summary: 'Make the graph of its tables; it answers queries all the time',
  scope: 'graphs:write',
  params: GraphPath,
  body: Materialize,
  idempotent: true,
  answers: {
    200: { description: 'What it would do.', schema: MaterializationPlan },
    202: { description: 'Accepted; watch the operation.', schema: AcceptedView },
  },
});

export const getLoadReportRoute = defineRoute({
  ...plain,
  function: 'get-load-report',
  method: 'GET',
  path: '/v1/graphs/{graphId}/materializations/{operationId}/report',
  summary: 'Get where to read the rows that a materialization left out',
  scope: 'graphs:read',
  params: ReportPath,
  answers: { 200: { description: 'Where they are.', schema: LoadReport } },
});

export const MATERIALIZATION_ROUTES: readonly Route[] = [stageTableRoute, materializeGraphRoute, getLoadReportRoute];
