/**
 * An instance's NDJSON answer as one JSON document, `{ …header, "rows": [ … ], …summary }`, spliced from the lines as
 * they come: the rows are never all in memory, and never parsed. An answer that was cut short fails here, and so ends
 * the response in the middle of the document rather than with a smaller one that looks whole.
 */
export async function* queryResultJson(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let before = '';
  let complete = false;
  for await (const line of linesOf(chunks)) {
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

/**
 * Lines as NDJSON has them: ended by a line feed and by nothing else. JSON strings may hold U+2028 and U+2029, at which
 * node:readline would break them. Leaving the loop lets go of the source.
 */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
