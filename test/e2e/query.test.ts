import { beforeAll, describe, expect, test } from 'vitest';
import { companiesGraph } from '../fixtures/graph-requests.ts';
import { Client } from './client.ts';

const client = new Client();
let graphId: string;

beforeAll(async () => {
  ({ graphId } = await client.createGraph(companiesGraph()));
});

const query = (body: Record<string, unknown>) => client.call(`/v1/graphs/${graphId}/query`, { body });

test('parameters are bound, and a date, a double and a 64-bit integer come back without loss', async () => {
  const answer = await query({
    cypher:
      'MATCH (c:Company) WHERE c.id = $id RETURN c.founded AS founded, c.revenue AS revenue, c.employees AS staff',
    parameters: { id: 'acme' },
  });
  expect(answer.body).toMatchObject({
    columns: ['founded', 'revenue', 'staff'],
    rows: [['1949-03-01', 1234.5, '9007199254740993']],
  });
});

test('a row limit truncates and says so', async () => {
  const answer = await query({ cypher: 'UNWIND range(1, 50) AS n RETURN n', limit: 7 });
  expect(answer.body).toMatchObject({ rowCount: 7, truncated: true });
  expect(answer.body['rows']).toHaveLength(7);
});

test('as NDJSON: a header, a line for each row, a summary', async () => {
  const response = await client.fetch(`/v1/graphs/${graphId}/query`, {
    body: { cypher: 'UNWIND [1, 2] AS n RETURN n' },
    headers: { accept: 'application/x-ndjson' },
  });
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  const lines = (await response.text()).trimEnd().split('\n');
  expect(lines.slice(0, 3)).toEqual(['{"columns":["n"],"types":["INT64"]}', '[1]', '[2]']);
  expect(JSON.parse(lines[3] ?? '')).toMatchObject({ rowCount: 2, truncated: false, snapshotVersion: 1 });
});

describe('a query that can not be answered is refused by its code', () => {
  test.each([
    ['a write', "CREATE (:Company {id: 'evil'})"],
    ['a change of the schema', 'DROP TABLE Company'],
    ['a file of the instance', "LOAD FROM '/etc/passwd' RETURN *"],
    ['a file on the instance', "COPY (MATCH (c:Company) RETURN c.id) TO '/tmp/stolen.csv'"],
  ])('%s: read_only', async (_what, cypher) => {
    const answer = await query({ cypher });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'read_only', retryable: false });
  });

  test.each([
    ['Cypher that does not parse', 'MATCH (c:Company RETURN c', {}],
    ['a table that is not there', 'MATCH (s:Ship) RETURN s', {}],
    ['a parameter that is missing', 'MATCH (c:Company) WHERE c.id = $id RETURN c', {}],
  ])('%s: query_failed', async (_what, cypher, parameters) => {
    const answer = await query({ cypher, parameters });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'query_failed' });
  });

  test('one that takes too long: query_timeout', async () => {
    const cypher =
      'UNWIND range(1, 3000) AS a UNWIND range(1, 3000) AS b WITH a, b WHERE a * b % 7 = 3 RETURN count(*)';
    const answer = await query({ cypher, timeoutMs: 5 });
    expect(answer.status).toBe(408);
    expect(answer.body).toMatchObject({ code: 'query_timeout' });
  });

  test.each([
    [{}, 'cypher'],
    [{ cypher: 'RETURN 1', limit: 0 }, 'limit'],
    [{ cypher: 'RETURN 1', limit: 100_001 }, 'limit'],
    [{ cypher: 'RETURN 1', timeoutMs: 0 }, 'timeoutMs'],
    [{ cypher: 'RETURN 1', colour: 'red' }, 'colour'],
    [{ cypher: 'RETURN $a', parameters: { a: [[[[[[1]]]]]] } }, 'parameters.a'],
  ])('%j names %s', async (body, path) => {
    const answer = await query(body);
    expect(answer.status).toBe(400);
    expect((answer.body['errors'] as { path: string }[]).map((error) => error.path)).toContain(path);
  });
});

test('after refusals and timeouts the graph is as it was', async () => {
  expect((await query({ cypher: 'MATCH (c:Company) RETURN count(c)' })).body).toMatchObject({ rows: [[1]] });
});
