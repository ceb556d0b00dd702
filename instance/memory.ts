import { LOADS_AT_ONCE } from '../domain/table/table-limits.ts';
import { READ_BUFFER_POOL_BYTES } from './database/engine.ts';
import { DUCKDB_MEBIBYTES, LOAD_BUFFER_POOLS_BYTES } from './loading/load-graph.ts';

const MEBIBYTE = 2 ** 20;

/** Node with the engines' code is 104 MiB; the rest is for answers on their way and for small graphs that are being built. */
const PROCESS_BYTES = 512 * MEBIBYTE;
/** At most: the larger buffer pool, as much that the engine holds besides, and DuckDB. Staging and deriving take less. */
const LOAD_BYTES = 2 * Math.max(...LOAD_BUFFER_POOLS_BYTES) + DUCKDB_MEBIBYTES * MEBIBYTE;
/** With nothing in its buffer pool a database is 5 MiB. */
const OPEN_DATABASE_BYTES = READ_BUFFER_POOL_BYTES + 5 * MEBIBYTE;

/**
 * How many databases may be open for queries, with full buffer pools, beside all else that an instance does at once. In MiB, of
 * the smallest tier's 4096: 512 for the process and 2 × 1216 for loads; what is left, 1152, is eight databases of 133.
 * @throws {Error} there is no room for one
 */
export const openDatabasesIn = (memoryBytes: number): number => {
  const count = Math.floor((memoryBytes - PROCESS_BYTES - LOADS_AT_ONCE * LOAD_BYTES) / OPEN_DATABASE_BYTES);
  if (count < 1) throw new Error(`Loads and an open database do not fit into ${memoryBytes} bytes of memory.`);
  return count;
};
