import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal, Retryable } from '../../domain/failure.ts';
import type { Graph, GraphStore } from '../../domain/graph/graph.ts';
import type { DerivedTable, MaterializationRequest } from '../../domain/materialization/materialization.ts';
import { type Derivation, derivationsOf, findSources, type SourceGraph } from '../../domain/materialization/sources.ts';
import type { OperationLog } from '../../domain/operation/operation-log.ts';
import { type GraphTable, newPartKey, type TableSource } from '../../domain/table/table.ts';
import { TABLE_LIMITS } from '../../domain/table/table-limits.ts';
import { type ExportedRows, exportSource } from '../loading/export-source.ts';
import type { SnapshotCache } from '../snapshot-cache.ts';
import { type RejectedRows, sentenceOf } from '../staging/rejected-rows.ts';
import type { SourceFile } from '../staging/source-file.ts';
import { stageTable } from '../staging/stage-table.ts';
import { tableColumns } from '../staging/table-columns.ts';
import { tellRejects } from './tell-rejects.ts';

type Dependencies = { cache: SnapshotCache; graphs: GraphStore; operations: OperationLog };

export type DeriveTables = {
  operationId: string;
  graph: Graph;
  /** The graph's tables, of which the operation has claimed those that are derived. */
  staged: readonly GraphTable[];
  request: MaterializationRequest;
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
 */
export const deriveTables = async (
  { cache, graphs, operations }: Dependencies,
  { operationId, graph, staged, request }: DeriveTables,
  { directory, signal }: Work,
): Promise<DerivedFile[]> => {
  const { sources: asked = [], ignoreErrors } = request;
  const sources = await findSources(graphs, graph, asked);
  const all = derivationsOf(graph, asked, sources);
  const limits = TABLE_LIMITS[graph.tier];
  const claimed = (name: string): GraphTable => {
    const table = staged.find(({ table: known }) => known === name);
    if (table?.writer === operationId) return table;
    throw new Refusal('conflict', `The table ${name} is not this operation's any more.`);
  };

  const read = (source: SourceGraph, derivations: readonly Derivation[]) => {
    const { graphId, schema, snapshot } = source;
    const target = { schema: graph.schema, limits };
    const request = { schema, derivations, target, directory: join(directory, graphId) };
    return cache
      .lend(graphId, snapshot, (file) => exportSource({ file, ...request }, signal))
      .catch(async (error: unknown) => {
        const isCurrent = (await graphs.get(graphId))?.snapshot?.key === snapshot.key;
        throw isCurrent || error instanceof Refusal ? error : replacedMeanwhile(graphId, error);
      });
  };

  const stage = async (name: string, source: TableSource, rows: ExportedRows | undefined): Promise<DerivedFile> => {
    const table = claimed(name);
    const path = join(directory, `${name}.parquet`);
    const file: SourceFile = {
      name: source.kind === 'query' ? `The answer of ${source.graphId}` : `${name} of ${source.graphId}`,
      compression: 'none',
      ...(rows ?? (await writeHeader(graph, name, join(directory, `${name}.csv`)))),
    };
    const { rejected, ...measured } = await stageTable(
      {
        schema: graph.schema,
        table: name,
        files: [file],
        existing: null,
        output: path,
        ignoreErrors,
        limits: { rows: limits.rowsPerTable, bytes: limits.bytes },
        ...(ignoreErrors && { keepRejects: REPORTED_ROWS }),
      },
      { temporaryDirectory: join(directory, 'duckdb'), signal },
    );
    await rm(file.path);
    const part = { key: newPartKey(table), ...measured };
    return { table: name, version: table.version + 1, part, source, path, rejected };
  };

  const tell = async ({ table, part, source, rejected }: DerivedFile, done: number): Promise<void> => {
    const message = `${part.rows} rows of ${table} derived from version ${source.snapshotVersion} of ${source.graphId}`;
    const percent = Math.floor(FROM_PERCENT + (done / all.length) * (TO_PERCENT - FROM_PERCENT));
    const detail = { table, rows: part.rows, rejected: rejected.count, source };
    await operations.append(operationId, { type: 'progress', step: STEP, percent, message, detail });
  };

  const derived: DerivedFile[] = [];
  try {
    for (const source of sources.values()) {
      const derivations = all.filter(({ graphId }) => graphId === source.graphId);
      const exported = await read(source, derivations);
      for (const { table, graphId, query } of derivations) {
        signal.throwIfAborted();
        const kind = query === null ? 'snapshot' : 'query';
        const from = { kind, graphId, snapshotVersion: source.snapshot.version } as const;
        const made = await stage(table, from, exported.get(table));
        derived.push(made);
        await tell(made, derived.length);
      }
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
const writeHeader = async ({ schema }: Graph, table: string, path: string): Promise<ExportedRows> => {
  const { columns } = tableColumns(schema, table);
  await writeFile(path, `${columns.map(({ name }) => name).join(',')}\n`);
  return { path, format: 'csv' };
};

const replacedMeanwhile = (graphId: string, cause: unknown): Retryable =>
  new Retryable('conflict', `The snapshot of "${graphId}" was replaced while it was read.`, { cause });
