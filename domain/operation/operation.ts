import type { FailureCode } from '../failure.ts';
import type { OperationInput } from './operation-event.ts';

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

export type OperationError = { code: FailureCode; message: string; retryable: boolean };

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
