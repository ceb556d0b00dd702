import { ulid } from 'ulid';
import * as z from 'zod';
import type { OperationEvent } from '../operation/operation-event.ts';
import { graphPrefix, type SnapshotSource } from '../snapshot/snapshot.ts';
import { type GraphTable, obsoleteParts, partsPrefix, type StageMode } from './table.ts';

/** What a staging works by. */
export type StageRequest = { table: string; fileIds: readonly string[]; mode: StageMode; ignoreErrors: boolean };

const Part = z.object({ key: z.string(), rows: z.int(), bytes: z.int(), checksum: z.string() });

const RejectedRow = z.object({
  file: z.string(),
  row: z.int(),
  line: z.int().nullable(),
  column: z.string().nullable(),
  value: z.string().nullable(),
  reason: z.string(),
});

/** What was staged, as the log has it from the point on at which it is only to be published. */
export const StagedPart = z.object({
  part: Part,
  /** The table's version that it is to be. */
  version: z.int(),
  rejected: z.object({ count: z.int(), first: z.array(RejectedRow) }),
});
export type StagedPart = z.infer<typeof StagedPart>;

/** The staged part of an operation that is past its point of no return. */
export const stagedPartIn = ({ made }: OperationEvent): StagedPart => StagedPart.parse(made);

/** Keys of a table's parts that came for a version which is not there: who holds the table's claim may remove them. */
export const unpublishedParts = ({ graphId, table, version }: GraphTable, keys: readonly string[]): string[] => {
  const prefix = partsPrefix(graphId, table);
  return keys.filter((key) => key.startsWith(prefix) && Number.parseInt(key.slice(prefix.length), 10) > version);
};

/** Keys of parts that neither their table names any more, nor the snapshot, which may have to be made again. */
export const partsToRemove = (
  table: GraphTable,
  source: SnapshotSource | undefined,
  keys: readonly string[],
): string[] => {
  const named = new Set(source?.tables.map(({ part }) => part?.key));
  return obsoleteParts(table, keys).filter((key) => !named.has(key));
};

/** Where a run tells the rows that a materialization left out; every run has a key of its own. */
export const newLoadReportKey = (graphId: string, operationId: string): string =>
  `${loadReportsPrefix(graphId, operationId)}${ulid()}.ndjson`;

/** Every run's report of a materialization, and nothing else, has a key with this prefix. */
export const loadReportsPrefix = (graphId: string, operationId: string): string =>
  `${graphPrefix(graphId)}reports/${operationId}/`;
