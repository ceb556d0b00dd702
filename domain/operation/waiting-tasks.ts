/** The tasks of workflows that wait until somebody reports by their token. */
export interface WaitingTasks {
  /** Lets a task go on. One that waits no more is not told, and that is no fault. */
  succeed(taskToken: string): Promise<void>;
}

/** Where the token of an operation that waits for an answer is kept. */
export interface InputTokenStore {
  put(operationId: string, taskToken: string): Promise<void>;
  /** Read consistently: whoever has answered looks here for who waits. */
  get(operationId: string): Promise<string | undefined>;
}
