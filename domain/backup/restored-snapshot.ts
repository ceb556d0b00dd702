import * as z from 'zod';
import type { OperationEvent } from '../operation/operation-event.ts';
import type { ObjectStore } from '../snapshot/object-store.ts';
import type { Snapshot, SnapshotSource } from '../snapshot/snapshot.ts';

const Part = z.object({ key: z.string(), rows: z.int(), bytes: z.int(), checksum: z.string() });

/** A snapshot that was made of a backup, as the log has it from the point on at which it is only to be published. */
const RestoredSnapshot = z.object({
  snapshot: z.object({
    version: z.int(),
    key: z.string(),
    checksum: z.string(),
    bytes: z.int(),
    source: z
      .object({
        operationId: z.string(),
        at: z.string(),
        tables: z.array(z.object({ table: z.string(), version: z.int(), part: Part.optional() })),
      })
      .optional(),
  }),
});

/** The restored snapshot of an operation that is past its point of no return. */
export const restoredSnapshotIn = ({ made }: OperationEvent): Snapshot => {
  const { source, ...snapshot } = RestoredSnapshot.parse(made).snapshot;
  return { ...snapshot, ...(source && { source: sourceFrom(source) }) };
};

const sourceFrom = ({
  tables,
  ...source
}: z.infer<typeof RestoredSnapshot>['snapshot']['source'] & {}): SnapshotSource => ({
  ...source,
  tables: tables.map(({ part, ...table }) => ({ ...table, ...(part && { part }) })),
});

/**
 * What a backup was made from, as far as it is kept still: the rows of a table may have been staged anew since, and then
 * those before are gone. The versions stay, by which it is told whether the graph is stale.
 */
export const sourceAsKept = async (
  { tables, ...source }: SnapshotSource,
  objects: Pick<ObjectStore, 'head'>,
): Promise<SnapshotSource> => {
  const kept: SnapshotSource['tables'][number][] = [];
  for (const { part, ...table } of tables) {
    const isThere = part !== undefined && (await objects.head(part.key)) !== undefined;
    kept.push({ ...table, ...(isThere && { part }) });
  }
  return { ...source, tables: kept };
};
