import * as z from 'zod';
import { ApiError } from './api-error.ts';

/** One action of an API: takes a request's body, gives the answer's. */
export type Action<Backend> = (backend: Backend, body: unknown) => object;

/**
 * How a service makes its actions, each with the schema of its request. What the schema rules out is refused by name.
 * @param invalidRequest the type of error that says so
 */
export const actionOf =
  <Backend, ErrorType extends string>(invalidRequest: ErrorType) =>
  <Schema extends z.ZodType>(
    schema: Schema,
    answer: (backend: Backend, request: z.output<Schema>) => object,
  ): Action<Backend> =>
  (backend, body) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return answer(backend, parsed.data);
    throw new ApiError(invalidRequest, z.prettifyError(parsed.error));
  };
