import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { InstanceQuery, QueryHeader, QuerySummary } from '../domain/fleet/instance-job.ts';
import type { ReadOnlyDatabase } from './database/read-only-database.ts';
import type { SnapshotCache } from './snapshot-cache.ts';

/**
 * Answers a query as NDJSON: a header, one array for each row, a summary. The status is sent when the first row is
 * there, so a query that fails is refused with a proper status; one that fails later is cut off without its summary.
 * The rows wait for the reader, and are given up when the reader goes away.
 */
export const answerQuery = (cache: SnapshotCache, query: InstanceQuery, response: ServerResponse): Promise<void> =>
  cache.use(query.graphId, query.snapshot, async (database) => {
    const lines = linesOf(database, query);
    const header = await lines.next();
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    await pipeline(Readable.from(prepended(header.value ?? '', lines), { objectMode: false }), response);
  });

async function* linesOf(database: ReadOnlyDatabase, query: InstanceQuery): AsyncGenerator<string, undefined> {
  const startedAt = performance.now();
  const { cypher, parameters, limit, timeoutMs, snapshot } = query;
  const answer = await database.query({ cypher, parameters, limit, timeoutMs });
  const { columns, types, rowCount, truncated } = answer;
  const rows = answer.rows();
  const first = await rows.next();
  yield line({ columns, types } satisfies QueryHeader);
  if (first.done !== true) yield line(first.value);
  for await (const row of rows) yield line(row);
  const durationMs = Math.round(performance.now() - startedAt);
  yield line({ rowCount, truncated, durationMs, snapshotVersion: snapshot.version } satisfies QuerySummary);
}

async function* prepended(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

const line = (content: unknown): string => `${JSON.stringify(content)}\n`;
