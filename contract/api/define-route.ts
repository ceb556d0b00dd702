import * as z from 'zod';
import type { Route } from './route.ts';

const nothing = z.strictObject({});
/** A route as most are: nothing in its path, query and body, one answer, no key. */
export const plain = { body: nothing, params: nothing, query: nothing, streams: false, idempotent: false } as const;

/** A route with the types of its parts kept. */
export const defineRoute = <Body extends z.ZodType, Path extends z.ZodType, Query extends z.ZodType>(
  route: Route<Body, Path, Query>,
): Route<Body, Path, Query> => route;
