import { defineRoute, plain } from './define-route.ts';
import { CreateGraph, GraphPage, GraphPath, GraphView, ListGraphs } from './graphs.ts';
import { AcceptedView } from './operations.ts';
import { QueryGraph, QueryResult } from './query.ts';
import type { Route } from './route.ts';

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

export const GRAPH_ROUTES: readonly Route[] = [createGraphRoute, listGraphsRoute, getGraphRoute, queryGraphRoute];
