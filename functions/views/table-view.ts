import type { FileView, FreshnessView, TableView } from '../../contract/api/tables.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { freshnessOf, loadedVersion } from '../../domain/table/freshness.ts';
import type { SchemaTable } from '../../domain/table/schema-table.ts';
import { bytesIn, type GraphTable, rowsIn } from '../../domain/table/table.ts';
import { fileState, type TableFile } from '../../domain/table/table-file.ts';

type Seen = { table: GraphTable; holder: string | null; pendingFiles: number };

/** A table of the schema, with what is staged of it. `holder` is the operation that stages it now. */
export const tableView = ({ name, kind, columns }: SchemaTable, { table, holder, pendingFiles }: Seen): TableView => ({
  name,
  kind,
  columns: [...columns],
  state: holder !== null ? 'staging' : table.version === 0 ? 'empty' : 'staged',
  version: table.version,
  rows: rowsIn(table),
  bytes: bytesIn(table),
  stagedBy: table.stagedBy,
  stagedAt: table.stagedAt,
  source: table.source,
  operationId: holder,
  pendingFiles,
  links: { self: pathOf(table), files: `${pathOf(table)}/files`, graph: `/v1/graphs/${table.graphId}` },
});

export const fileView = (file: TableFile): FileView => ({
  fileId: file.fileId,
  table: file.table,
  fileName: file.fileName,
  format: file.format,
  compression: file.compression,
  delimiter: file.delimiter,
  bytes: file.bytes,
  checksum: file.checksum,
  state: fileState(file),
  stagedBy: file.stagedBy,
  createdAt: file.createdAt,
  keptUntil: file.keptUntil,
  links: { self: filePathOf(file), table: pathOf(file) },
});

export const filePathOf = (file: TableFile): string => `${pathOf(file)}/files/${file.fileId}`;

const pathOf = ({ graphId, table }: { graphId: string; table: string }): string =>
  `/v1/graphs/${graphId}/tables/${table}`;

export const freshnessView = (graph: Graph, tables: readonly GraphTable[]): FreshnessView => {
  const { stale, staleSince, staleReason: reason, snapshotVersion, materializedAt } = freshnessOf(graph, tables);
  const { source } = graph.snapshot ?? {};
  const known = tables
    .map((table) => ({
      name: table.table,
      rows: rowsIn(table),
      version: table.version,
      materializedVersion: loadedVersion(source, table.table),
      source: table.source,
    }))
    .filter(({ version, materializedVersion }) => version > 0 || materializedVersion > 0);
  return { stale, staleSince, reason, snapshotVersion, materializedAt, tables: known };
};
