import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

/**
 * An instance's NDJSON answer as one JSON document, `{ …header, "rows": [ … ], …summary }`, spliced from the lines as
 * they come: the rows are never all in memory, and never parsed. An answer that was cut short fails here, and so ends
 * the response in the middle of the document rather than with a smaller one that looks whole.
 */
export async function* queryResultJson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const lines = createInterface({ input: Readable.from(chunks), crlfDelay: Number.POSITIVE_INFINITY });
  let before = '';
  let complete = false;
  for await (const line of lines) {
    if (line.startsWith('[')) {
      yield before + line;
      before = ',\n';
    } else if (before === '') {
      yield `${line.slice(0, -1)},"rows":[`;
      before = '\n';
    } else {
      yield `],${line.slice(1)}\n`;
      complete = true;
    }
  }
  if (!complete) throw new Error("The instance's answer was cut short.");
}
