import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRICS } from '../../contract/metrics.ts';
import type { OperationEvent } from '../../domain/operation/operation-event.ts';

const metrics = new Metrics({ namespace: METRICS.namespace, serviceName: METRICS.dimensions.service });

/** Counts an operation that could not be undone, wherever its end is written: an alarm waits for just this. */
export const countUndoFailure = ({ status }: OperationEvent): void => {
  if (status !== 'compensation_failed') return;
  metrics.addMetric(METRICS.names.compensationFailed, MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
};
