import { Refusal } from '../failure.ts';
import type { FleetTier } from '../fleet/tier.ts';
import { LARGEST_OBJECT_BYTES } from '../snapshot/object-store.ts';

/** How much a graph can be made of: rows of one table and of all, and bytes of files or of staged rows. */
export type TableLimits = { rowsPerTable: number; rows: number; bytes: number };

const GIBIBYTE = 2 ** 30;

/** What an instance of a tier loads within its memory and, two loads at once beside its cache, on its disk. */
export const TABLE_LIMITS: Readonly<Record<FleetTier, TableLimits>> = {
  standard: { rowsPerTable: 20_000_000, rows: 50_000_000, bytes: 5 * GIBIBYTE },
  large: { rowsPerTable: 50_000_000, rows: 150_000_000, bytes: 20 * GIBIBYTE },
  xlarge: { rowsPerTable: 200_000_000, rows: 500_000_000, bytes: 40 * GIBIBYTE },
  shared: { rowsPerTable: 50_000_000, rows: 150_000_000, bytes: 20 * GIBIBYTE },
};

/** So many loads, and what else is about as large, an instance does at once. */
export const LOADS_AT_ONCE = 2;
/**
 * Besides what a load is of: the graph or the table that it makes, and what the engines write aside, for 10 million
 * relationships half as much again as the graph (`npm run bench:loading -- --memory 10`).
 */
const MADE_BYTES = 2.5 * LARGEST_OBJECT_BYTES;

/** What the loads of an instance have on its disk together, at most. */
export const loadingBytes = (tier: FleetTier): number => LOADS_AT_ONCE * (TABLE_LIMITS[tier].bytes + MADE_BYTES);

type Amount = { rows: number; bytes: number };

/** @throws {Refusal} `too_large` when tables together, or one of them, are more than a graph of the tier can be made of */
export const refuseBeyond = (limits: TableLimits, tables: readonly (Amount & { table: string })[]): void => {
  for (const { table, rows } of tables) refuse(`The table ${table} has`, rows, 'rows', limits.rowsPerTable);
  refuse('The tables have', sum(tables.map(({ rows }) => rows)), 'rows', limits.rows);
  refuse('The tables have', sum(tables.map(({ bytes }) => bytes)), 'bytes', limits.bytes);
};

/** @throws {Refusal} `too_large` when files, with what they are added to, have more bytes than can be staged */
export const refuseBytesBeyond = ({ bytes: most }: TableLimits, sizes: readonly number[]): void =>
  refuse('The files have', sum(sizes), 'bytes', most);

const refuse = (what: string, count: number, unit: string, limit: number): void => {
  if (count > limit) throw new Refusal('too_large', `${what} ${count} ${unit}; the limit is ${limit}.`);
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
