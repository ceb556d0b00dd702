import { registerFileRoute } from '../../contract/api/table-routes.ts';
import type { RegisterFile } from '../../contract/api/tables.ts';
import { type FieldIssue, invalidRequest } from '../../domain/failure.ts';
import { fileIdFor } from '../../domain/identifier.ts';
import { tableNamed } from '../../domain/table/schema-table.ts';
import { type FileDescription, formatOf, refuseLongFile } from '../../domain/table/table-file.ts';
import { graphInUse } from '../access/table-access.ts';
import { apiFunction } from '../pipeline/api-function.ts';
import { filePathOf, fileView } from '../views/table-view.ts';
import { graphStore } from '../wiring/graph.ts';
import { operationLog } from '../wiring/operation.ts';
import { tableFiles } from '../wiring/table.ts';

/** POST /v1/graphs/{graphId}/tables/{table}/files: makes a file known and answers how its bytes are sent. */
export const handler = apiFunction('register-file', registerFileRoute, (environment) => {
  const graphs = graphStore(environment);
  const operations = operationLog(environment);
  const files = tableFiles(environment);
  return async ({ tenantId, actor, params, body, idempotencyKey }) => {
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
});

/** @throws {Refusal} `invalid_request` */
const descriptionFrom = ({ fileName, delimiter, bytes, checksum, ...said }: RegisterFile): FileDescription => {
  const { format, compression, issues } = formatOf({ fileName, ...said });
  const odd: FieldIssue[] =
    delimiter !== null && format !== 'csv' ? [{ path: 'delimiter', message: `A ${format} file has none.` }] : [];
  if (issues.length + odd.length > 0) throw invalidRequest([...issues, ...odd]);
  return { fileName, format, compression, delimiter, bytes, checksum };
};
