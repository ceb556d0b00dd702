/** What an execution begins with: references only. The operation's log has the request. */
export type WorkflowInput = { operationId: string; tenantId: string; graphId: string | null };

export const STATE_MACHINES = ['provision-graph'] as const;
export type StateMachineName = (typeof STATE_MACHINES)[number];

/** Starts the workflow of an operation. */
export interface Workflows {
  /** The execution carries the operation's id as its name, so starting twice starts once, even after it is over. */
  start(machine: StateMachineName, input: WorkflowInput): Promise<void>;
}
