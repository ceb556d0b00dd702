import { describe, expect, test } from 'vitest';
import { queryResultJson } from '../../functions/views/query-result-json.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const joined = async (stream: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
};

const HEADER = '{"columns":["n"],"types":["STRING"]}\n';
const SUMMARY = '{"rowCount":2,"truncated":false,"durationMs":1,"snapshotVersion":1}\n';

describe("an instance's lines as one JSON document", () => {
  test.each([1, 2, 7, 1_000])('whatever the pieces that they come in (%i bytes)', async (size) => {
    const document: unknown = JSON.parse(
      await joined(queryResultJson(inPieces(`${HEADER}["ä]\\n["]\n["{b"]\n${SUMMARY}`, size))),
    );
    expect(document).toEqual({
      columns: ['n'],
      types: ['STRING'],
      rows: [['ä]\n['], ['{b']],
      rowCount: 2,
      truncated: false,
      durationMs: 1,
      snapshotVersion: 1,
    });
  });

  test('a line ends where NDJSON ends it, not where a text does', async () => {
    const document = await joined(queryResultJson(inPieces(`${HEADER}["a\u2028b\u2029c"]\n${SUMMARY}`, 3)));
    expect(JSON.parse(document)).toMatchObject({ rows: [['a\u2028b\u2029c']] });
  });

  test('a reader who leaves lets go of the source', async () => {
    let released = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from(`${HEADER}["a"]\n["b"]\n`);
        yield Buffer.from(SUMMARY);
      } finally {
        released = true;
      }
    }
    for await (const _ of queryResultJson(source())) break;
    expect(released).toBe(true);
  });

  test('no rows are an empty list', async () => {
    expect(JSON.parse(await joined(queryResultJson(inPieces(HEADER + SUMMARY, 10))))).toMatchObject({ rows: [] });
  });

  test('an answer that was cut short is not passed off as a whole one', async () => {
    await expect(joined(queryResultJson(inPieces(`${HEADER}["a"]\n`, 10)))).rejects.toThrow('cut short');
  });
});
