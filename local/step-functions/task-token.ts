import { randomUUID } from 'node:crypto';

/**
 * A task token names the branch that waits for it, so it needs no table of its own: a token that the branch does not
 * hold any more is one that came too late.
 */
export const newToken = (executionArn: string, path: string): string =>
  Buffer.from(JSON.stringify([executionArn, path, randomUUID()])).toString('base64url');

/** The execution and the branch that a token was made for, or undefined if it is no token at all. */
export const readToken = (token: string): { executionArn: string; path: string } | undefined => {
  try {
    const [executionArn, path] = JSON.parse(Buffer.from(token, 'base64url').toString());
    return typeof executionArn === 'string' && typeof path === 'string' ? { executionArn, path } : undefined;
  } catch {
    return undefined;
  }
};
