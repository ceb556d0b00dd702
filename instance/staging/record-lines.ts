import { readSource, type SourceFile } from './source-file.ts';

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Where a record is: its number in the file from 1, and the line on which it begins. */
export type RecordPlace = { row: number; line: number };

/** What DuckDB counts: the rows that it could read, or (of those that it could not) records and blank lines as one each. */
export type Wanted = { readRows: ReadonlySet<number>; refusedLines: ReadonlySet<number> };
export type Places = { readRows: ReadonlyMap<number, RecordPlace>; refusedLines: ReadonlyMap<number, RecordPlace> };

/**
 * Finds the lines of records. DuckDB does not know the line of a row that it could read, and where it knows one it
 * counts a record with line breaks in it as one; people look for what their editor shows.
 */
export const placesOf = async (file: SourceFile, { readRows, refusedLines }: Wanted): Promise<Places> => {
  const hasHeader = file.format === 'csv';
  const places = { readRows: new Map<number, RecordPlace>(), refusedLines: new Map<number, RecordPlace>() };
  const last = Math.max(0, ...readRows);
  let records = 0;
  let read = 0;
  let counted = 0;
  for await (const { line, isBlank } of recordsOf(file, hasHeader)) {
    counted += 1;
    if (isBlank || (hasHeader && counted === 1)) continue;
    records += 1;
    const place = { row: records, line };
    if (refusedLines.has(counted)) places.refusedLines.set(counted, place);
    else {
      read += 1;
      if (readRows.has(read)) places.readRows.set(read, place);
    }
    if (read >= last && places.refusedLines.size === refusedLines.size) break;
  }
  return places;
};

async function* recordsOf(file: SourceFile, hasQuotes: boolean): AsyncGenerator<{ line: number; isBlank: boolean }> {
  let line = 1;
  let begin = 1;
  let quoted = false;
  let isBlank = true;
  for await (const chunk of readSource(file)) {
    for (const byte of chunk) {
      if (byte === LINE_FEED) {
        line += 1;
        if (quoted) continue;
        yield { line: begin, isBlank };
        begin = line;
        isBlank = true;
      } else {
        if (hasQuotes && byte === QUOTE) quoted = !quoted;
        if (byte !== CARRIAGE_RETURN) isBlank = false;
      }
    }
  }
  if (!isBlank) yield { line: begin, isBlank };
}
