/**
 * The metrics that functions emit: what alarms watch and what emits are named here once. Each has the one dimension
 * `service`, and counts.
 */
export const METRICS = {
  namespace: 'Graphfleet',
  dimensions: { service: 'graphfleet' },
  names: {
    /** An operation ended `compensation_failed`: something of it is left, and a person is needed. */
    compensationFailed: 'CompensationFailed',
    /** An instance was cycled with work on it, which was cut off. */
    cycleForced: 'CycleForced',
    /** An instance was put in quarantine: it did not come up after its cycle, neither new nor as it was before. */
    instanceQuarantined: 'InstanceQuarantined',
  },
} as const;

export type MetricName = (typeof METRICS.names)[keyof typeof METRICS.names];
