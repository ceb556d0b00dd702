import type { InstanceState } from '../domain/fleet/instance.ts';
import type { FleetTier } from '../domain/fleet/tier.ts';
import type { LetterKind } from '../domain/letter/letter.ts';
import type { OperationKind, TerminalStatus } from '../domain/operation/operation.ts';
import type { ScheduleName } from './functions.ts';

/** What a metric can be told apart by besides the service. Never a tenant, a graph or an operation: each would be a metric. */
export type MetricDimensions = {
  kind: OperationKind;
  outcome: TerminalStatus;
  state: InstanceState;
  tier: FleetTier;
  letters: LetterKind;
  in: 'api' | 'step' | 'schedule';
  schedule: ScheduleName;
};

type Metric = { readonly unit: 'Count' | 'Seconds'; readonly dimension?: keyof MetricDimensions };

/**
 * The metrics that functions write: those who write them and those who watch them name them here. Each has the dimension
 * `service`, which is the stage's name, and at most one more. What is counted is written when it happens; what is
 * measured (`every minute`) is written by a schedule, also when it is nothing.
 */
export const METRICS = {
  /** An operation came to its end. */
  OperationEnded: { unit: 'Count', dimension: 'outcome' },
  /** 1 for an operation that failed, timed out or could not be undone, 0 for one that ended otherwise: the average is their share. */
  OperationFailed: { unit: 'Count' },
  /** From an operation's request to its end. */
  OperationDuration: { unit: 'Seconds', dimension: 'kind' },
  /** An operation ended `compensation_failed`: something of it is left, and a person is needed. */
  CompensationFailed: { unit: 'Count' },
  /** An operation is undone because the capacity, or the instance, that it waited for did not come. */
  WaitGivenUp: { unit: 'Count' },
  /** An execution was over and had left no end in its operation's log. */
  ExecutionLost: { unit: 'Count' },
  /** Every minute: of the operations that were looked at, those that have been queued, or not started, for over five minutes. */
  OperationsWaiting: { unit: 'Count' },

  /** An instance was cycled with work on it, which was cut off. */
  CycleForced: { unit: 'Count' },
  /** A refresh left its instance as it was, or failed: deferred, skipped or failed. */
  RefreshGivenUp: { unit: 'Count' },
  /** How long a refresh that has ended had waited for the work on its instance. */
  DrainWait: { unit: 'Seconds' },
  /** Every minute: for how long the gate of an instance has been closed that was closed first. */
  LongestDrain: { unit: 'Seconds' },
  /** Every minute: of the instances that were looked at, the age of the oldest lease. */
  OldestLease: { unit: 'Seconds' },
  /** Every minute: leases that were ended because their operation had left them behind. */
  LeasesReaped: { unit: 'Count' },
  /** Every minute: instances by state. */
  Instances: { unit: 'Count', dimension: 'state' },
  /** Every minute: instances that run another image than their tier wants. */
  StaleInstances: { unit: 'Count' },
  /** Every minute: operations at work on the instances of a tier. */
  BusyLeases: { unit: 'Count', dimension: 'tier' },
  /** Every minute: places for graphs on the active instances of a tier that are free. */
  FreeSlots: { unit: 'Count', dimension: 'tier' },
  /** Every minute: for how long the operation has waited for a place on a tier that has waited longest. */
  QueueAge: { unit: 'Seconds', dimension: 'tier' },

  /** Every minute: subscriptions that are paid for and have been without their graph for over five minutes. */
  SubscriptionsWaiting: { unit: 'Count' },
  /** Every minute: events that were given up, and wait for an operator; counted up to 25. */
  DeadLetters: { unit: 'Count', dimension: 'letters' },

  /** Every minute: a schedule has run to its end. */
  ScheduleRan: { unit: 'Count', dimension: 'schedule' },

  /** A stream of events was opened. */
  StreamOpened: { unit: 'Count' },
  /** A stream of events broke off because its events could not be read. */
  StreamFailed: { unit: 'Count' },
  /** An event could not be appended to an operation's log, for another reason than that the log refused it. */
  AppendFailed: { unit: 'Count' },
  /** An entry of the audit could not be written. */
  AuditFailed: { unit: 'Count' },
  /** Something failed that nobody foresaw: a call was answered 5xx, or a step or a scheduled run threw. */
  Fault: { unit: 'Count', dimension: 'in' },
} as const satisfies Record<string, Metric>;

export const METRIC_NAMESPACE = 'Graphfleet';
export type MetricName = keyof typeof METRICS;

/** The dimension that a metric has besides `service`, with its value. */
export type DimensionOf<Name extends MetricName> = (typeof METRICS)[Name] extends {
  dimension: infer Dimension extends keyof MetricDimensions;
}
  ? { readonly [Key in Dimension]: MetricDimensions[Key] }
  : undefined;
