import * as z from 'zod';
import { ApiError } from '../api-error.ts';
import { DEFAULT_CLUSTER, type Names, nameIn } from '../names.ts';
import type { StoredState } from '../stored-state.ts';
import type { Supervisor } from '../supervisor.ts';
import type { TaskList } from '../task-list.ts';

/** What the actions work on. */
export type Backend = {
  readonly names: Names;
  readonly state: StoredState;
  readonly tasks: TaskList;
  readonly supervisor: Supervisor;
};

/** One action of the API: takes a request's body, gives the answer's. */
export type Action = (backend: Backend, body: unknown) => object;

/** An action with the schema of its request. A field that the schema does not know is refused by name. */
export const action =
  <Schema extends z.ZodType>(schema: Schema, answer: (backend: Backend, request: z.output<Schema>) => object): Action =>
  (backend, body) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return answer(backend, parsed.data);
    throw new ApiError('InvalidParameterException', z.prettifyError(parsed.error));
  };

/** The cluster of a request, by name. Any name will do: clusters are not made here. */
export const Cluster = z.string().default(DEFAULT_CLUSTER).transform(nameIn);

/** Times go over the wire in seconds. */
export const inSeconds = (milliseconds: number): number => milliseconds / 1000;
