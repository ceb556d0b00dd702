/** A published version of a graph: one database file in the object store. Versions count from 1. */
export type Snapshot = { version: number; key: string; checksum: string; bytes: number };

/** A version before it has been published. */
export type SnapshotFile = { checksum: string; bytes: number };

/**
 * Where a version is kept. The checksum (SHA-256, hexadecimal) is part of the key, so two writers that built the same
 * version differently can not overwrite each other, and the pointer names exactly one of them.
 */
export const snapshotOf = (graphId: string, version: number, file: SnapshotFile): Snapshot => ({
  version,
  key: `${snapshotPrefix(graphId)}${String(version).padStart(8, '0')}-${file.checksum}.lbug`,
  ...file,
});

/** Every snapshot of a graph, and nothing else, has a key with this prefix. */
export const snapshotPrefix = (graphId: string): string => `graphs/${graphId}/snapshots/`;
