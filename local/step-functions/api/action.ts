import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import type { Clock } from '../clock.ts';
import type { Journal } from '../journal.ts';
import type { Machines } from '../machines.ts';
import type { Runner } from '../runner.ts';

/** What the actions work on. */
export interface Backend {
  readonly journal: Journal;
  readonly machines: Machines;
  readonly runner: Runner;
  readonly clock: Clock;
}

/** One action of the API: takes a request's body, gives the answer's. */
export type Action = (backend: Backend, body: unknown) => object;

/** An action with the schema of its request. A field that the schema rules out is refused by name. */
export const action =
  <Schema extends z.ZodType>(schema: Schema, answer: (backend: Backend, request: z.infer<Schema>) => object): Action =>
  (backend, body) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return answer(backend, parsed.data);
    throw new ApiError('ValidationException', z.prettifyError(parsed.error));
  };

/** Times go over the wire in seconds. */
export const inSeconds = (milliseconds: number): number => milliseconds / 1000;
