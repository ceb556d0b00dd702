import { registerFileRoute } from '../../contract/api/table-routes.ts';
import type { RegisterFile } from '../../contract/api/tables.ts';
import { type FieldIssue, Refusal } from '../../domain/failure.ts';
import type { GraphStore } from '../../domain/graph/graph.ts';
import { fileIdFor } from '../../domain/identifier.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import { type FileDescription, formatOf, refuseLongFile } from '../../domain/table/table-file.ts';
import type { TableFiles } from '../../domain/table/table-files.ts';
import { graphStore, operationLog } from '../dependencies.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import type { ApiRequest } from '../pipeline/api-request.ts';
import type { ApiResponse } from '../pipeline/api-response.ts';
import { tableFiles } from '../tables.ts';
import { filePathOf, fileView } from '../views/table-view.ts';
import { graphInUse } from './table-access.ts';

type Dependencies = { graphs: GraphStore; operations: OperationLog; files: TableFiles };

/** POST /v1/graphs/{graphId}/tables/{table}/files: makes a file known and answers how its bytes are sent. */
export const registerFile =
  ({ graphs, operations, files }: Dependencies) =>
  async (call: ApiRequest<typeof registerFileRoute>): Promise<ApiResponse> => {
    const { tenantId, actor, params, body, idempotencyKey } = call;
    refuseLongFile(body);
    const description = descriptionFrom(body);
    const { graphId, schema } = await graphInUse(graphs, operations, tenantId, params.graphId);
    const { name: table } = tableNamed(schema, params.table);
    const key = { graphId, table, fileId: fileIdFor({ graphId, table }, idempotencyKey) };
    const { file, upload, replayed } = await files.register(key, description, actor, new Date());
    return {
      status: 201,
      headers: { location: filePathOf(file), ...(replayed && { 'idempotency-replayed': 'true' }) },
      body: { ...fileView(file), upload },
    };
  };

/** @throws {Refusal} `invalid_request` */
const descriptionFrom = ({ fileName, delimiter, bytes, checksum, ...said }: RegisterFile): FileDescription => {
  const { format, compression, issues } = formatOf({ fileName, ...said });
  const odd: FieldIssue[] =
    delimiter !== null && format !== 'csv' ? [{ path: 'delimiter', message: `A ${format} file has none.` }] : [];
  const [first] = [...issues, ...odd];
  if (first === undefined) return { fileName, format, compression, delimiter, bytes, checksum };
  throw new Refusal('invalid_request', `The body is not valid: ${first.path}: ${first.message}`, {
    issues: [...issues, ...odd],
  });
};

export const handler = apiFunction('register-file', registerFileRoute, (environment) =>
  registerFile({
    graphs: graphStore(environment),
    operations: operationLog(environment),
    files: tableFiles(environment),
  }),
);
