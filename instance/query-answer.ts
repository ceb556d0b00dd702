import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { InstanceQuery, QueryHeader, QuerySummary } from '../domain/fleet/instance-job.ts';
import type { QueryAnswer } from './database/query-answer.ts';
import type { SnapshotCache } from './snapshot-cache.ts';

/**
 * Answers a query as NDJSON: a header, one array for each row, a summary. The status is sent when the first row is
 * there, so a query that fails is refused with a proper status; one that fails later is cut off without its summary.
 * The rows wait for the reader, and are given up when the reader goes away, before the first row or after it.
 */
export const answerQuery = (cache: SnapshotCache, query: InstanceQuery, response: ServerResponse): Promise<void> =>
  cache.use(query.graphId, query.snapshot, async (database) => {
    const startedAt = performance.now();
    const { cypher, parameters, limit, timeoutMs, snapshot } = query;
    const answer = await database.query({ cypher, parameters, limit, timeoutMs });
    try {
      const rows = answer.rows();
      const first = await rows.next();
      // A pipeline to somebody who is gone would never start, nor end.
      if (response.destroyed) return;
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const summary = () => summaryOf(answer, Math.round(performance.now() - startedAt), snapshot.version);
      await pipeline(Readable.from(linesOf(answer, first, rows, summary), { objectMode: false }), response);
    } finally {
      await answer.close();
    }
  });

type Rows = ReturnType<QueryAnswer['rows']>;

async function* linesOf(
  { columns, types }: QueryAnswer,
  first: Awaited<ReturnType<Rows['next']>>,
  rest: Rows,
  summary: () => QuerySummary,
): AsyncGenerator<string> {
  yield line({ columns, types } satisfies QueryHeader);
  if (first.done !== true) yield line(first.value);
  for await (const row of rest) yield line(row);
  yield line(summary());
}

const summaryOf = (
  { rowCount, truncated }: QueryAnswer,
  durationMs: number,
  snapshotVersion: number,
): QuerySummary => ({
  rowCount,
  truncated,
  durationMs,
  snapshotVersion,
});

const line = (content: unknown): string => `${JSON.stringify(content)}\n`;
