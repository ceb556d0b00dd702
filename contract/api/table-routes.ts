import { defineRoute, plain } from './define-route.ts';
import { GraphPath } from './graphs.ts';
import type { Route } from './route.ts';
import {
  FilePage,
  FilePath,
  FileView,
  FreshnessView,
  ListFiles,
  RegisteredFile,
  RegisterFile,
  TableList,
  TablePath,
  TableView,
} from './tables.ts';

export const listTablesRoute = defineRoute({
  ...plain,
  function: 'list-tables',
  method: 'GET',
  path: '/v1/graphs/{graphId}/tables',
  summary: "List the tables of a graph's schema, with what is staged of each",
  scope: 'graphs:read',
  params: GraphPath,
  answers: { 200: { description: 'All of them: nodes, then relationships.', schema: TableList } },
});

export const getTableRoute = defineRoute({
  ...plain,
  function: 'get-table',
  method: 'GET',
  path: '/v1/graphs/{graphId}/tables/{table}',
  summary: 'Get a table',
  scope: 'graphs:read',
  params: TablePath,
  answers: { 200: { description: 'The table.', schema: TableView } },
});

export const registerFileRoute = defineRoute({
  ...plain,
  function: 'register-file',
  method: 'POST',
  path: '/v1/graphs/{graphId}/tables/{table}/files',
  summary: 'Register a file of rows, to be sent by the URL in the answer; an Idempotency-Key is known within the table',
  scope: 'graphs:write',
  audited: true,
  params: TablePath,
  body: RegisterFile,
  idempotent: true,
  answers: { 201: { description: 'Registered; send its bytes.', schema: RegisteredFile } },
});

export const listFilesRoute = defineRoute({
  ...plain,
  function: 'list-files',
  method: 'GET',
  path: '/v1/graphs/{graphId}/tables/{table}/files',
  summary: 'List the files of a table',
  scope: 'graphs:read',
  params: TablePath,
  query: ListFiles,
  answers: { 200: { description: 'A page of files, by id.', schema: FilePage } },
});

export const getFileRoute = defineRoute({
  ...plain,
  function: 'get-file',
  method: 'GET',
  path: '/v1/graphs/{graphId}/tables/{table}/files/{fileId}',
  summary: 'Get a file of a table',
  scope: 'graphs:read',
  params: FilePath,
  answers: { 200: { description: 'The file.', schema: FileView } },
});

export const deleteFileRoute = defineRoute({
  ...plain,
  function: 'delete-file',
  method: 'DELETE',
  path: '/v1/graphs/{graphId}/tables/{table}/files/{fileId}',
  summary: 'Delete a file; what was staged of it stays',
  scope: 'graphs:write',
  audited: true,
  params: FilePath,
  answers: { 204: { description: 'It is deleted.' } },
});

export const getFreshnessRoute = defineRoute({
  ...plain,
  function: 'get-freshness',
  method: 'GET',
  path: '/v1/graphs/{graphId}/freshness',
  summary: "Tell whether a graph's snapshot has its tables as they are staged",
  scope: 'graphs:read',
  params: GraphPath,
  answers: { 200: { description: 'How they relate.', schema: FreshnessView } },
});

/** Tables of graphs, and the files that are staged into them. */
export const TABLE_ROUTES: readonly Route[] = [
  listTablesRoute,
  getTableRoute,
  registerFileRoute,
  listFilesRoute,
  getFileRoute,
  deleteFileRoute,
  getFreshnessRoute,
];
