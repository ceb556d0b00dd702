import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { InstanceQuery } from '../../../domain/fleet/instance-job.ts';
import { answerQuery } from '../../../instance/query-answer.ts';
import { type GraphFile, openWorkplace, type Workplace } from './workplace.ts';

let workplace: Workplace;
let graph: GraphFile;
let port: number;
/** What became of the one query that a test asks. */
let answered: Promise<PromiseSettledResult<void>>;
/** Whoever asked is gone. */
let left: Promise<void>;

beforeEach(async () => {
  workplace = await openWorkplace();
  graph = await workplace.uploadedGraph('kg1');
  const settled = Promise.withResolvers<PromiseSettledResult<void>>();
  const closed = Promise.withResolvers<void>();
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.once('close', closed.resolve);
    const query = InstanceQuery.parse(await json(incoming));
    const [end] = await Promise.allSettled([answerQuery(workplace.cache, query, response)]);
    if (end.status === 'rejected') response.destroy();
    settled.resolve(end);
  };
  const server = createServer((incoming, response) => void serve(incoming, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  ({ port } = server.address() as AddressInfo);
  answered = settled.promise;
  left = closed.promise;
});

const ask = (cypher: string, limit = 100_000) => {
  const { graphId, snapshot } = graph;
  const query: InstanceQuery = { graphId, snapshot, cypher, parameters: {}, limit, timeoutMs: 20_000 };
  const asking = request({ port, method: 'POST', path: '/queries' });
  asking.end(JSON.stringify(query));
  return asking;
};

const answerTo = async (cypher: string, limit?: number): Promise<unknown[]> => {
  const [response] = (await once(ask(cypher, limit), 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  const lines = (await text(response)).split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as unknown);
};

describe('an answer', () => {
  test('is a header, a line for each row and a summary', async () => {
    expect(await answerTo('UNWIND [1, 2] AS n RETURN n, n * 10 AS ten')).toEqual([
      { columns: ['n', 'ten'], types: ['INT64', 'INT64'] },
      [1, 10],
      [2, 20],
      { rowCount: 2, truncated: false, durationMs: expect.any(Number) as number, snapshotVersion: 1 },
    ]);
  });

  test('without rows is a header and a summary', async () => {
    expect(await answerTo('MATCH (e:Entity) WHERE e.identifier = "nobody" RETURN e.name')).toEqual([
      { columns: ['e.name'], types: ['STRING'] },
      expect.objectContaining({ rowCount: 0, truncated: false }),
    ]);
  });

  test('says that there were more rows than its limit', async () => {
    const [, ...rows] = await answerTo('UNWIND range(1, 500) AS n RETURN n', 300);
    expect(rows.pop()).toMatchObject({ rowCount: 300, truncated: true });
    expect(rows).toEqual(Array.from({ length: 300 }, (_, index) => [index + 1]));
  });

  test('keeps what a text may hold in one line', async () => {
    const [, row] = await answerTo("RETURN 'a\u2028b\u2029c\u0085d\\ne\\rf' AS text");
    expect(row).toEqual(['a\u2028b\u2029c\u0085d\ne\rf']);
  });
});

describe('a reader who leaves', () => {
  /** Resolves only when no database is in use any more. */
  const nothingIsOpen = () => workplace.cache.close();

  test('before the first row leaves nothing open', async () => {
    const asking = ask('UNWIND range(1, 1000) AS n RETURN n').on('error', () => {});
    // The graph must be fetched first: by the time that it is there, the reader is gone.
    workplace.objects.beforeDownload = async () => {
      asking.destroy();
      await left;
    };
    expect(await answered).toMatchObject({ status: 'fulfilled' });
    await nothingIsOpen();
  });

  test.each([
    { when: 'in the middle of many rows', cypher: "UNWIND range(1, 100000) AS n RETURN n, repeat('x', 1000) AS text" },
    { when: 'in the middle of the first row', cypher: "UNWIND [1, 2] AS n RETURN repeat('x', 12000000) AS text" },
  ])('$when leaves nothing open', async ({ cypher }) => {
    const asking = ask(cypher);
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    await once(response, 'data');
    response.on('error', () => {}).destroy();
    expect(await answered).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STREAM_PREMATURE_CLOSE' } });
    await nothingIsOpen();
  });

  test('does not hold up those who read the same graph', async () => {
    const asking = ask("UNWIND range(1, 100000) AS n RETURN n, repeat('x', 1000) AS text");
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    await once(response, 'data');
    response.on('error', () => {}).destroy();
    expect(await answerTo('RETURN 1 AS one')).toContainEqual([1]);
    await answered;
    await nothingIsOpen();
  });
});
