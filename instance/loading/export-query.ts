import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Refusal, Retryable } from '../../domain/failure.ts';
import { type PropertyType, parsePropertyType } from '../../domain/graph/property-type.ts';
import { unsupportedType } from '../../domain/graph/supported-types.ts';
import type { SourceQuery } from '../../domain/materialization/sources.ts';
import type { QueryAnswer } from '../database/query-answer.ts';
import type { Json } from '../database/query-parameters.ts';
import { QuerySlots } from '../database/query-slots.ts';
import { openReadOnly } from '../database/read-only-database.ts';

export type ExportQuery = {
  /** A database that is not changed meanwhile. */
  file: string;
  query: SourceQuery;
  /** Refuses columns that nothing can be made of. */
  checkColumns: (names: readonly string[]) => void;
  limits: { rows: number; bytes: number };
  /** Where the rows go, as NDJSON. No file is there when there are none. */
  output: string;
  /** @default two minutes */
  timeoutMs?: number;
};

/** The engine can not be interrupted otherwise, so stopping the job takes as long: its undo asks for some six minutes. */
const QUERY_TIMEOUT_MS = 2 * 60_000;
/** One at a time, and not in the slots of what tenants ask, who would wait for minutes. */
const turns = new QuerySlots(1);
/** The answer has to fit in: a few million rows. The load that follows has as much. */
const QUERY_BUFFER_POOL_BYTES = 512 * 2 ** 20;
const CHUNK_CHARACTERS = 64 * 1_024;

/**
 * Writes the answer of a read-only query row by row, every value as a file would have it. Not by the engine's own COPY to
 * Parquet: of a column that is the same for a batch of rows it writes one row of the batch, or what is no Parquet.
 * @returns how many rows there are
 * @throws {Refusal} `read_only`, `query_failed`, `query_timeout`; `too_large`
 * @throws {Retryable} `unavailable` when its turn does not come
 * @throws the signal's reason; not while the engine is at it
 */
export const exportQuery = async (
  { file, query, checkColumns, limits, output, timeoutMs = QUERY_TIMEOUT_MS }: ExportQuery,
  signal: AbortSignal,
): Promise<number> => {
  const options = { mostRows: limits.rows, bufferPoolBytes: QUERY_BUFFER_POOL_BYTES, slots: new QuerySlots(1) };
  const database = await openReadOnly(file, options);
  try {
    const answer = await inTurn(() => database.query({ ...query, limit: limits.rows, timeoutMs }), signal);
    try {
      if (answer.truncated) throw new Refusal('too_large', `The answer has more rows than the limit, ${limits.rows}.`);
      checkColumns(answer.columns);
      signal.throwIfAborted();
      const types = answer.columns.map((name, at) => keepable(name, answer.types[at] ?? ''));
      if (answer.rowCount > 0)
        await pipeline(linesOf(answer, types, limits.bytes), createWriteStream(output), { signal });
      return answer.rowCount;
    } finally {
      await answer.close();
    }
  } finally {
    await database.close();
  }
};

/** Of the time of a query waiting is no part: it would be another's query that ends this one. */
const inTurn = async <Result>(ask: () => Promise<Result>, signal: AbortSignal): Promise<Result> => {
  const turn = await turns.take(2 * QUERY_TIMEOUT_MS);
  if (turn === undefined) throw new Retryable('unavailable', 'There are other queries before this one.');
  try {
    signal.throwIfAborted();
    return await ask();
  } finally {
    turn.release();
  }
};

/** A type of which a table can have a property. */
const keepable = (name: string, text: string): PropertyType => {
  const type = parsePropertyType(text);
  if (type !== undefined && unsupportedType(type) === undefined) return type;
  throw new Refusal('query_failed', `The column ${name} is ${text}, which no table can have. Return its properties.`);
};

async function* linesOf(
  answer: QueryAnswer,
  types: readonly PropertyType[],
  mostBytes: number,
): AsyncGenerator<string> {
  let chunk = '';
  let bytes = 0;
  for await (const row of answer.rows()) {
    const entries = answer.columns.map((name, at): [string, Json] => [name, asInFile(types[at], row[at] ?? null)]);
    chunk += `${JSON.stringify(Object.fromEntries(entries))}\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    bytes += Buffer.byteLength(chunk);
    if (bytes > mostBytes) throw new Refusal('too_large', `The answer has more bytes than the limit, ${mostBytes}.`);
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** An answer has a map as a list of its entries, and a file as an object. */
const asInFile = (type: PropertyType | undefined, value: Json): Json => {
  if (value === null || type === undefined) return value;
  switch (type.kind) {
    case 'list':
      return (value as Json[]).map((item) => asInFile(type.element, item));
    case 'map':
      return Object.fromEntries(
        (value as [Json, Json][]).map(([key, item]) => [String(key), asInFile(type.value, item)]),
      );
    case 'struct':
      return Object.fromEntries(
        type.fields.map(({ name, type: field }) => [
          name,
          asInFile(field, (value as Record<string, Json>)[name] ?? null),
        ]),
      );
    case 'scalar':
    case 'decimal':
      return value;
  }
};
