import type { OperationKind } from './operation.ts';

/** What an execution begins with: references only. The operation's log has the request. */
export type WorkflowInput = { operationId: string; tenantId: string; graphId: string | null };

export const STATE_MACHINES = [
  'change-tier',
  'create-backup',
  'delete-graph',
  'fork-subgraph',
  'launch-instance',
  'materialize',
  'provision-graph',
  'provision-repository-access',
  'provision-subgraph',
  'refresh-instance',
  'refresh-fleet',
  'retire-instance',
  'restore-backup',
  'run-external-job',
  'stage-table',
] as const;
export type StateMachineName = (typeof STATE_MACHINES)[number];

/** Machines, and functions, are called by this alias of theirs: which version it stands for is for a deploy to say. */
export const LIVE_ALIAS = 'live';

/** The workflow that does the work of each kind of operation. */
const WORKFLOWS: Record<OperationKind, StateMachineName> = {
  'backup.create': 'create-backup',
  'backup.restore': 'restore-backup',
  'fleet.refresh': 'refresh-fleet',
  'graph.change_tier': 'change-tier',
  'graph.create': 'provision-graph',
  'graph.delete': 'delete-graph',
  'graph.materialize': 'materialize',
  'instance.launch': 'launch-instance',
  'instance.refresh': 'refresh-instance',
  'instance.retire': 'retire-instance',
  'job.run': 'run-external-job',
  'repository.access': 'provision-repository-access',
  'subgraph.create': 'provision-subgraph',
  'subgraph.fork': 'fork-subgraph',
  'subgraph.delete': 'delete-graph',
  'table.create': 'stage-table',
  'table.insert': 'stage-table',
};

export const workflowOf = (kind: OperationKind): StateMachineName => WORKFLOWS[kind];

/** One execution of an operation's workflow. They are counted from 1; each carries its number in its name. */
export type Attempt = { machine: StateMachineName; operationId: string; attempt: number };

export type ExecutionState = 'absent' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'stopped';

/** The executions of operations. */
export interface Workflows {
  /** Starting an attempt twice starts it once, even after it is over. */
  start(attempt: Attempt, input: WorkflowInput): Promise<void>;
  /** Stops an attempt; one that is over, or never was, is stopped already. */
  stop(attempt: Attempt, cause: string): Promise<void>;
  stateOf(attempt: Attempt): Promise<ExecutionState>;
}

/** The name of an attempt's execution: letters, digits, `_` and `-`, as CloudWatch Logs asks. */
export const executionName = ({ operationId, attempt }: Pick<Attempt, 'operationId' | 'attempt'>): string =>
  attempt === 1 ? operationId : `${operationId}-${attempt}`;

/** An execution's number, from the execution's name. */
export const attemptOfExecution = (name: string): number => Number(name.split('-')[1] ?? 1);

/** The operation that an execution works for, from the execution's name. */
export const operationIdOfExecution = (name: string): string => name.split('-')[0] ?? name;
