import { defineRoute, plain } from './define-route.ts';
import {
  CreateSubgraph,
  DeleteGraph,
  DeleteSubgraph,
  DeleteSubgraphQuery,
  GraphPath,
  SubgraphList,
  SubgraphPath,
} from './graphs.ts';
import { AcceptedView } from './operations.ts';

const ACCEPTED = { 202: { description: 'Accepted; watch the operation.', schema: AcceptedView } };

export const deleteGraphRoute = defineRoute({
  ...plain,
  function: 'delete-graph',
  method: 'DELETE',
  path: '/v1/graphs/{graphId}',
  summary: 'Delete a graph with its subgraphs',
  scope: 'graphs:write',
  params: GraphPath,
  query: DeleteGraph,
  idempotent: true,
  answers: ACCEPTED,
});

export const createSubgraphRoute = defineRoute({
  ...plain,
  function: 'create-subgraph',
  method: 'POST',
  path: '/v1/graphs/{graphId}/subgraphs',
  summary: 'Create a subgraph',
  scope: 'graphs:write',
  params: GraphPath,
  body: CreateSubgraph,
  idempotent: true,
  answers: ACCEPTED,
});

export const listSubgraphsRoute = defineRoute({
  ...plain,
  function: 'list-subgraphs',
  method: 'GET',
  path: '/v1/graphs/{graphId}/subgraphs',
  summary: 'List the subgraphs of a graph',
  scope: 'graphs:read',
  params: GraphPath,
  answers: { 200: { description: 'All of them.', schema: SubgraphList } },
});

export const deleteSubgraphRoute = defineRoute({
  ...plain,
  function: 'delete-subgraph',
  method: 'DELETE',
  path: '/v1/graphs/{graphId}/subgraphs/{name}',
  summary: 'Delete a subgraph',
  scope: 'graphs:write',
  params: SubgraphPath,
  query: DeleteSubgraphQuery,
  body: DeleteSubgraph,
  idempotent: true,
  answers: ACCEPTED,
});

/** Subgraphs, and what deletes them. */
export const SUBGRAPH_ROUTES = [deleteGraphRoute, createSubgraphRoute, listSubgraphsRoute, deleteSubgraphRoute];
