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
  },
} as const;

export type MetricName = (typeof METRICS.names)[keyof typeof METRICS.names];
