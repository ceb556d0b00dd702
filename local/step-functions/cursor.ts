/** Where the branches of an execution are, as it is kept on disk. */

export type Variables = Readonly<Record<string, unknown>>;

/** How a task was answered. */
export type Answer =
  | { readonly output: unknown }
  | { readonly failure: { error: string | undefined; cause: string | undefined; alias?: string | undefined } };

/** A task that has been scheduled. */
export interface PendingTask {
  kind: 'task';
  /** Kept as long as the call may have to be repeated. */
  input: unknown;
  token?: string;
  startedAt: number;
  heartbeatAt: number;
  timeoutSeconds?: number;
  heartbeatSeconds?: number;
  /** What the call returned, when the answer comes from elsewhere. */
  submitted?: unknown;
  answer?: Answer;
}

/** What a state is in the middle of. */
export type Pending =
  | PendingTask
  | { kind: 'wait'; until: number }
  | { kind: 'backoff'; until: number }
  | { kind: 'branches'; count: number };

/** Where a branch is. With the definition, this is all it takes to go on from here. */
export interface Cursor {
  state: string;
  input: unknown;
  variables: Variables;
  /** Absent until the state has been entered. */
  enteredAt?: number;
  /** How often each retrier of the state has retried. */
  retries: number[];
  pending?: Pending;
}

/** The item that an iteration of a Map works on. */
export interface Item {
  Index: number;
  Value: unknown;
}

/** A branch as it is kept on disk. */
export interface SavedFrame {
  cursor: Cursor;
  item?: Item | undefined;
  lastEventId: number;
  /** Present once the branch is over. */
  done?: { output: unknown };
}

/** The beginning of a state. */
export const cursorAt = (state: string, input: unknown, variables: Variables): Cursor => ({
  state,
  input,
  variables,
  retries: [],
});
