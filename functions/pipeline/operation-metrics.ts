import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName } from '../../contract/metrics.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';

const metrics = new Metrics({ namespace: METRICS.namespace, serviceName: METRICS.dimensions.service });

const count = (name: MetricName): void => {
  metrics.addMetric(name, MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
};

/** Counts an operation that could not be undone, wherever its end is written: an alarm waits for just this. */
export const countUndoFailure = ({ status }: OperationEvent): void => {
  if (status === 'compensation_failed') count(METRICS.names.compensationFailed);
};

/** Counts an instance that was cut off from its work; an alarm tells. */
export const countForcedCycle = (): void => count(METRICS.names.cycleForced);

/** Counts an instance that did not come up again; an alarm tells. */
export const countQuarantine = (): void => count(METRICS.names.instanceQuarantined);
