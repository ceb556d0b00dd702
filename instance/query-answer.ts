import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { InstanceQuery, QueryHeader, QuerySummary } from '../domain/fleet/instance-job.ts';
import type { SnapshotCache } from './snapshot-cache.ts';

/**
 * Answers a query as NDJSON: a header, one array for each row, a summary. The status is sent only when the engine has
 * begun to answer, so a query that fails is refused with a proper status.
 */
export const answerQuery = async (
  cache: SnapshotCache,
  query: InstanceQuery,
  response: ServerResponse,
): Promise<void> => {
  const { graphId, snapshot, cypher, parameters, limit, timeoutMs } = query;
  const startedAt = performance.now();
  await cache.use(graphId, snapshot, async (database) => {
    const result = await database.query({ cypher, parameters, limit, timeoutMs });
    const send = async (line: unknown) => {
      if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain');
    };
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    await send({ columns: result.columns, types: result.types } satisfies QueryHeader);
    let rowCount = 0;
    for await (const row of result.rows) {
      if (response.destroyed) return;
      await send(row);
      rowCount += 1;
    }
    const durationMs = Math.round(performance.now() - startedAt);
    const summary: QuerySummary = {
      rowCount,
      truncated: result.truncated(),
      durationMs,
      snapshotVersion: snapshot.version,
    };
    response.end(`${JSON.stringify(summary)}\n`);
  });
};
