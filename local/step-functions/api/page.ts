import { z } from 'zod';
import { StepFunctionsError } from '../step-functions-error.ts';

const LARGEST_PAGE = 1000;
const USUAL_PAGE = 100;

/** The fields of a request for one page of a list. */
export const pageFields = {
  maxResults: z.int().min(0).max(LARGEST_PAGE).optional(),
  nextToken: z.string().optional(),
};

/** One page of a list: `read` gives so many rows after a key; a key is what `keyOf` makes of a row. */
export const page = <Row>(
  { maxResults, nextToken }: { maxResults?: number | undefined; nextToken?: string | undefined },
  read: (limit: number, after: string | undefined) => Row[],
  keyOf: (row: Row) => string | number,
): { rows: Row[]; nextToken?: string } => {
  const limit = maxResults || USUAL_PAGE;
  // One more than asked for tells whether there is a next page.
  const rows = read(limit + 1, nextToken === undefined ? undefined : decode(nextToken));
  const last = rows[limit - 1];
  if (rows.length <= limit || last === undefined) return { rows };
  return { rows: rows.slice(0, limit), nextToken: encode(String(keyOf(last))) };
};

const MARK = 'after ';

const encode = (key: string): string => Buffer.from(`${MARK}${key}`).toString('base64url');

const decode = (token: string): string => {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith(MARK)) throw new StepFunctionsError('InvalidToken', `Invalid Token: '${token}'`);
  return text.slice(MARK.length);
};
