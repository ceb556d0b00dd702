import * as z from 'zod';

/** The fields of a request for one page of a list. */
export const pageFields = { maxResults: z.int().min(1).max(100).optional(), nextToken: z.string().optional() };

/** One page of a sorted list of ARNs; the token is the last ARN of the page before. */
export const page = (
  arns: readonly string[],
  usual: number,
  { maxResults = usual, nextToken }: { maxResults?: number | undefined; nextToken?: string | undefined },
): { arns: string[]; nextToken?: string } => {
  const rest = nextToken === undefined ? arns : arns.filter((arn) => arn > nextToken);
  const taken = rest.slice(0, maxResults);
  const last = taken.at(-1);
  return rest.length > taken.length && last !== undefined ? { arns: taken, nextToken: last } : { arns: taken };
};
