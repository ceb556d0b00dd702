import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type DimensionOf, METRIC_NAMESPACE, type MetricName } from '../../contract/metrics.ts';

/** How values of a metric are put together: over so many minutes. */
type Over = { readonly statistic: string; readonly minutes?: number; readonly label?: string };

/** The metrics that a stage's functions write; `service` is the value of their dimension. */
export class ServiceMetrics {
  readonly service: string;

  constructor(service: string) {
    this.service = service;
  }

  of<Name extends MetricName>(name: Name, over: Over, ...[dimension]: Parameters<typeof dimensionOf<Name>>): Metric {
    const { statistic, minutes = 5, label } = over;
    return new Metric({
      namespace: METRIC_NAMESPACE,
      metricName: name,
      dimensionsMap: { service: this.service, ...dimension },
      statistic,
      period: Duration.minutes(minutes),
      ...(label !== undefined && { label }),
    });
  }

  /** How often something happened. */
  count<Name extends MetricName>(name: Name, ...dimension: Parameters<typeof dimensionOf<Name>>): Metric {
    return this.of(name, { statistic: 'Sum' }, ...dimension);
  }

  /** The largest of what was measured each minute. */
  most<Name extends MetricName>(name: Name, ...dimension: Parameters<typeof dimensionOf<Name>>): Metric {
    return this.of(name, { statistic: 'Maximum' }, ...dimension);
  }
}

const dimensionOf = <Name extends MetricName>(
  ...[dimension]: DimensionOf<Name> extends undefined ? [] : [DimensionOf<Name>]
) => dimension;

/** A metric of an AWS service. */
export const awsMetric = (
  namespace: 'AWS/ApiGateway' | 'AWS/DynamoDB' | 'AWS/Lambda' | 'AWS/States',
  metricName: string,
  dimensionsMap: Record<string, string>,
  { statistic = 'Sum', minutes = 5, label }: Partial<Over> = {},
): Metric =>
  new Metric({
    namespace,
    metricName,
    dimensionsMap,
    statistic,
    period: Duration.minutes(minutes),
    ...(label !== undefined && { label }),
  });

/** One number of several metrics; an alarm can have ten. `m0`, `m1`, … are theirs in the expression. */
export const combined = (expression: string, metrics: readonly IMetric[], label: string, minutes = 5): MathExpression =>
  new MathExpression({
    expression,
    usingMetrics: Object.fromEntries(metrics.map((metric, at) => [`m${at}`, metric])),
    period: Duration.minutes(minutes),
    label,
  });

/** The largest of several metrics that are measured every minute. */
export const largestOf = (metrics: readonly IMetric[], label: string) =>
  combined(`MAX([${metrics.map((_, at) => `m${at}`).join(',')}])`, metrics, label);

/** The sum, or the least, of several metrics that are written when something happens: nothing counts as 0. */
export const countedOf = (take: 'SUM' | 'MIN', metrics: readonly IMetric[], label: string) =>
  combined(`${take}([${metrics.map((_, at) => `FILL(m${at},0)`).join(',')}])`, metrics, label);
