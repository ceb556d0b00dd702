import type { FailureCode } from '../failure.ts';

export const OPERATION_KINDS = [
  'graph.create',
  'graph.delete',
  'graph.change_tier',
  'subgraph.create',
  'subgraph.fork',
  'subgraph.delete',
  'repository.access',
  'table.create',
  'table.insert',
  'graph.materialize',
  'backup.create',
  'backup.restore',
  'fleet.refresh',
  'instance.launch',
  'instance.refresh',
  'instance.retire',
  'job.run',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** The tenant of operations on the fleet itself. No token can carry it: a tenant's id has no tilde. */
export const FLEET_TENANT = '~fleet';

export const TERMINAL_STATUSES = [
  'succeeded',
  'partial',
  'failed',
  'cancelled',
  'timed_out',
  'compensation_failed',
] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

export const OPERATION_STATUSES = [
  'accepted',
  'queued',
  'running',
  'cancelling',
  'compensating',
  ...TERMINAL_STATUSES,
] as const;
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

export const isTerminal = (status: OperationStatus): status is TerminalStatus =>
  (TERMINAL_STATUSES as readonly string[]).includes(status);

const FORWARD_STATUSES: readonly OperationStatus[] = ['accepted', 'queued', 'running'];

/** Whether the work of an operation may go on, instead of being undone or over. */
export const goesForward = (status: OperationStatus): boolean => FORWARD_STATUSES.includes(status);

export type OperationError = { code: FailureCode; message: string; retryable: boolean };

/** A question of an operation, which waits until one of the options is its answer. */
export type OperationInput = {
  question: string;
  options: readonly string[];
  /** The scope of tokens that may answer. */
  scope: 'graphs:write' | 'fleet:operate';
  answer: string | null;
  answeredBy: string | null;
};

/** What an operation is, folded from its events. */
export type Operation = {
  operationId: string;
  kind: OperationKind;
  tenantId: string;
  graphId: string | null;
  status: OperationStatus;
  /** 0 to 100; never falls. */
  percent: number;
  message: string;
  /** The newest event that is folded in. */
  seq: number;
  createdAt: string;
  updatedAt: string;
  result: Record<string, unknown> | null;
  error: OperationError | null;
  /** What it has asked for. */
  input: OperationInput | null;
};
