import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal, Terminal } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import type { DerivedTable, MaterializationRequest } from '../../domain/materialization/materialization.ts';
import { derivationsOf, findSources, type SourceGraph } from '../../domain/materialization/sources.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import type { RepositoryAccessStore } from '../../domain/repository/repository-access.ts';
import { type GraphTable, newPartKey, type TableSource } from '../../domain/table/table.ts';
import { refuseBeyond, type TableLimits } from '../../domain/table/table-limits.ts';
import { countCopied, type ExportedRows, exportSource } from '../loading/export-source.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { type RejectedRows, sentenceOf } from '../staging/rejected-rows.ts';
import { stageTable } from '../staging/stage-table.ts';
import { tableColumns } from '../staging/table-columns.ts';
import { lendCurrent } from './lend-current.ts';
import { tellRejects } from './tell-rejects.ts';

type Dependencies = {
  cache: SnapshotCache;
  graphs: GraphStore;
  accesses: Pick<RepositoryAccessStore, 'get'>;
  operations: OperationLog;
};

export type DeriveTables = {
  operationId: string;
  graph: Graph;
  /** The graph's tables, of which the operation has claimed those that are derived. */
  staged: readonly GraphTable[];
  request: MaterializationRequest;
  /** Of the derived tables together. */
  limits: TableLimits;
};

/** A table as it is to be published, still on this disk only. */
export type DerivedFile = DerivedTable & { path: string; rejected: RejectedRows };

/** The directory is there. */
type Work = { directory: string; signal: AbortSignal };

const STEP = 'deriveTables';
const FROM_PERCENT = 5;
const TO_PERCENT = 20;
/** So many of the rows of a table that were left out are told in the report. */
const REPORTED_ROWS = 10_000;

/**
 * Makes staged tables of what the sources of a materialization have. Of each graph one snapshot is read, the one that is
 * current now. Its rows go the way of those of a file: the schema checks them, and those that are wrong are told or left out.
 * One table is on its way at a time: besides those that are made, the disk has the rows of one.
 */
export const deriveTables = async (
  { cache, graphs, accesses, operations }: Dependencies,
  { operationId, graph, staged, request, limits }: DeriveTables,
  { directory, signal }: Work,
): Promise<DerivedFile[]> => {
  const { sources: asked = [], ignoreErrors } = request;
  const sources = await findSources({ graphs, accesses }, graph, asked);
  const all = derivationsOf(graph, asked, sources);
  const derived: DerivedFile[] = [];
  const amounts = () => derived.map(({ table, part: { rows, bytes } }) => ({ table, rows, bytes }));
  /** What a table more can have. */
  const roomLeft = () => {
    const { rows, bytes } = totalOf(amounts());
    return { rows: Math.max(1, Math.min(limits.rowsPerTable, limits.rows - rows)), bytes: limits.bytes - bytes };
  };
  const claimed = (name: string): GraphTable => {
    const table = staged.find(({ table: known }) => known === name);
    if (table?.writer === operationId) return table;
    throw new Refusal('conflict', `The table ${name} is not this operation's any more.`);
  };

  const stage = async (name: string, source: TableSource, rows: ExportedRows): Promise<DerivedFile> => {
    const table = claimed(name);
    const path = join(directory, `${name}.parquet`);
    const { path: exported, format } = rows;
    const named = source.kind === 'query' ? `The answer of ${source.graphId}` : `${name} of ${source.graphId}`;
    const { rejected, ...measured } = await stageTable(
      {
        schema: graph.schema,
        table: name,
        files: [{ name: named, path: exported, format, compression: 'none' }],
        existing: null,
        output: path,
        ignoreErrors,
        limits: roomLeft(),
        ...(ignoreErrors && { keepRejects: REPORTED_ROWS }),
      },
      { temporaryDirectory: join(directory, 'duckdb'), signal },
    );
    const found = measured.rows + rejected.count;
    if (found !== rows.rows) throw new Terminal('internal', `${found} of ${rows.rows} rows of ${name} were staged.`);
    const part = { key: newPartKey(table), ...measured };
    return { table: name, version: table.version + 1, part, source, path, rejected };
  };

  const tell = async ({ table, part, source, rejected }: DerivedFile): Promise<void> => {
    const message = `${part.rows} rows of ${table} derived from version ${source.snapshotVersion} of ${source.graphId}`;
    const percent = Math.floor(FROM_PERCENT + (derived.length / all.length) * (TO_PERCENT - FROM_PERCENT));
    const detail = { table, rows: part.rows, rejected: rejected.count, source };
    await operations.append(operationId, { type: 'progress', step: STEP, percent, message, detail });
  };

  const deriveFrom = async (file: string, { graphId, schema, snapshot }: SourceGraph): Promise<void> => {
    const derivations = all.filter((derivation) => derivation.graphId === graphId);
    refuseBeyond(limits, [...amounts(), ...(await countCopied({ file, schema }, derivations))]);
    for (const derivation of derivations) {
      signal.throwIfAborted();
      const { table, query } = derivation;
      const into = join(directory, 'exported');
      const from = { file, schema, derivation, target: graph.schema, limits: roomLeft(), directory: into };
      const rows = (await exportSource(from, signal)) ?? (await writeHeader(graph, table, into));
      const kind = query === null ? 'snapshot' : 'query';
      const made = await stage(table, { kind, graphId, snapshotVersion: snapshot.version }, rows);
      await rm(into, { recursive: true });
      derived.push(made);
      refuseBeyond(limits, amounts());
      await tell(made);
    }
  };

  try {
    for (const source of sources.values()) {
      const { graphId, snapshot } = source;
      await lendCurrent({ cache, graphs }, graphId, snapshot, (file) => deriveFrom(file, source));
    }
    return derived;
  } catch (error) {
    await tellRejects(operations, operationId, STEP, error);
    throw error;
  }
};

/** The rows that were left out, for the report of the load: a JSON object a line. */
export const rejectedLines = (derived: readonly DerivedFile[]): string =>
  derived
    .flatMap(({ table, source, rejected }) =>
      rejected.first.map((row) => ({ table, row: row.row, reason: sentenceOf(row), source: source.graphId })),
    )
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');

/** The file of a table that has no rows. */
const writeHeader = async ({ schema }: Graph, table: string, directory: string): Promise<ExportedRows> => {
  const path = join(directory, 'header.csv');
  const { columns } = tableColumns(schema, table);
  await writeFile(path, `${columns.map(({ name }) => name).join(',')}\n`);
  return { path, format: 'csv', rows: 0 };
};

const totalOf = (amounts: readonly { rows: number; bytes: number }[]) => ({
  rows: amounts.reduce((sum, { rows }) => sum + rows, 0),
  bytes: amounts.reduce((sum, { bytes }) => sum + bytes, 0),
});
