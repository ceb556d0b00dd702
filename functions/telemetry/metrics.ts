import { Metrics } from '@aws-lambda-powertools/metrics';
import { type DimensionOf, METRIC_NAMESPACE, METRICS, type MetricName } from '../../contract/metrics.ts';

/** Its `service` is the environment's, `POWERTOOLS_SERVICE_NAME`: each stage has metrics of its own. */
const metrics = new Metrics({ namespace: METRIC_NAMESPACE });

/** Writes a value of a metric, as a line of the log that CloudWatch reads it from. */
export const measure = <Name extends MetricName>(
  name: Name,
  value: number,
  ...[dimension]: DimensionOf<Name> extends undefined ? [] : [DimensionOf<Name>]
): void => {
  const metric = metrics.singleMetric();
  for (const [key, of] of Object.entries(dimension ?? {})) metric.addDimension(key, of);
  metric.addMetric(name, METRICS[name].unit, value);
};
