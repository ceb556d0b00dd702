import * as z from 'zod';
import { AUDIT_ROUTES } from './audit-routes.ts';
import { BACKUP_ROUTES } from './backup-routes.ts';
import { BILLING_ROUTES } from './billing-routes.ts';
import { Problem } from './common.ts';
import { defineRoute, plain } from './define-route.ts';
import { FLEET_ROUTES } from './fleet-routes.ts';
import { GATE_ROUTES } from './gate-routes.ts';
import { CreateGraph, GraphPage, GraphPath, GraphView, ListGraphs } from './graphs.ts';
import { JOB_ROUTES } from './job-routes.ts';
import { MATERIALIZATION_ROUTES } from './materialization-routes.ts';
import { OPERATION_ROUTES } from './operation-routes.ts';
import {
  AcceptedView,
  EventPage,
  ListEvents,
  ListOperations,
  OperationPage,
  OperationPath,
  OperationView,
} from './operations.ts';
import { QueryGraph, QueryResult } from './query.ts';
import { REFRESH_ROUTES } from './refresh-routes.ts';
import { REPOSITORY_ROUTES } from './repository-routes.ts';
import type { Route } from './route.ts';
import { SUBGRAPH_ROUTES } from './subgraph-routes.ts';
import { TABLE_ROUTES } from './table-routes.ts';
import { TIER_ROUTES } from './tier-routes.ts';

export const createGraphRoute = defineRoute({
  ...plain,
  function: 'create-graph',
  method: 'POST',
  path: '/v1/graphs',
  summary: 'Create a graph',
  scope: 'graphs:write',
  body: CreateGraph,
  idempotent: true,
  answers: { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } },
});

export const listGraphsRoute = defineRoute({
  ...plain,
  function: 'list-graphs',
  method: 'GET',
  path: '/v1/graphs',
  summary: "List the tenant's graphs, oldest first",
  scope: 'graphs:read',
  query: ListGraphs,
  answers: { 200: { description: 'A page of graphs.', schema: GraphPage } },
});

export const getGraphRoute = defineRoute({
  ...plain,
  function: 'get-graph',
  method: 'GET',
  path: '/v1/graphs/{graphId}',
  summary: 'Get a graph',
  scope: 'graphs:read',
  params: GraphPath,
  answers: { 200: { description: 'The graph.', schema: GraphView } },
});

export const queryGraphRoute = defineRoute({
  ...plain,
  function: 'query-graph',
  method: 'POST',
  path: '/v1/graphs/{graphId}/query',
  summary: 'Query a graph with read-only Cypher',
  scope: 'graphs:read',
  params: GraphPath,
  body: QueryGraph,
  streams: true,
  countsAsQuery: true,
  answers: {
    200: {
      description:
        'The rows. As NDJSON: a header object with columns and types, one array for each row, then an object with the totals; an answer without that last line was cut short.',
      schema: QueryResult,
      contentTypes: ['application/json', 'application/x-ndjson'],
    },
  },
});

export const listOperationsRoute = defineRoute({
  ...plain,
  function: 'list-operations',
  method: 'GET',
  path: '/v1/operations',
  summary: "List the tenant's operations, newest first",
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  query: ListOperations,
  answers: { 200: { description: 'A page of operations.', schema: OperationPage } },
});

export const getOperationRoute = defineRoute({
  ...plain,
  function: 'get-operation',
  method: 'GET',
  path: '/v1/operations/{operationId}',
  summary: 'Get an operation',
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  params: OperationPath,
  answers: { 200: { description: 'The operation as of its newest event.', schema: OperationView } },
});

export const listEventsRoute = defineRoute({
  ...plain,
  function: 'list-events',
  method: 'GET',
  path: '/v1/operations/{operationId}/events',
  summary: 'Follow an operation: a page of its events, or all of them live',
  scope: 'graphs:read',
  operatorScope: 'fleet:read',
  params: OperationPath,
  query: ListEvents,
  streams: true,
  answers: {
    200: {
      description:
        'A page of events; or, with `Accept: text/event-stream`, events as they happen, until the terminal one or for 90 s. Resume with `Last-Event-ID`.',
      schema: EventPage,
      contentTypes: ['application/json', 'text/event-stream'],
    },
    204: { description: 'Only with `Accept: text/event-stream`: there is no event behind the last one that you have.' },
  },
});

export const getHealthRoute = defineRoute({
  ...plain,
  function: 'get-health',
  method: 'GET',
  path: '/v1/health',
  summary: 'Tell whether the API answers',
  scope: null,
  answers: { 200: { description: 'It does.', schema: z.strictObject({ status: z.literal('ok') }) } },
});

export const getOpenApiRoute = defineRoute({
  ...plain,
  function: 'get-open-api',
  method: 'GET',
  path: '/v1/openapi.json',
  summary: 'Get this document',
  scope: null,
  answers: { 200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) } },
});

/** Every route of the API. */
export const ROUTES: readonly Route[] = [
  createGraphRoute,
  listGraphsRoute,
  getGraphRoute,
  queryGraphRoute,
  ...SUBGRAPH_ROUTES,
  ...TABLE_ROUTES,
  ...MATERIALIZATION_ROUTES,
  ...BACKUP_ROUTES,
  ...TIER_ROUTES,
  ...REPOSITORY_ROUTES,
  ...JOB_ROUTES,
  listOperationsRoute,
  getOperationRoute,
  listEventsRoute,
  ...OPERATION_ROUTES,
  ...AUDIT_ROUTES,
  ...BILLING_ROUTES,
  ...FLEET_ROUTES,
  ...REFRESH_ROUTES,
  ...GATE_ROUTES,
  getHealthRoute,
  getOpenApiRoute,
];

/** What every route may answer when it does not succeed. */
export const PROBLEM_ANSWER = { description: 'A problem.', schema: Problem } as const;
