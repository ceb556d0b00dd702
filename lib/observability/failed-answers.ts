import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { METRIC_NAMESPACE } from '../../contract/metrics.ts';

const nameOf = (namePrefix: string) => ({
  metricNamespace: `${METRIC_NAMESPACE}/${namePrefix}`,
  metricName: 'AnswerFailed',
});

/**
 * Counts the answers of 5xx by the lines of the API's access log, whose `status` is what clients got. API Gateway's own
 * `5XXError` leaves those out that it would have answered otherwise, had we not said how: it counts them as `4XXError`.
 */
export const countFailedAnswers = (accessLog: ILogGroup, namePrefix: string): void => {
  const filterPattern = FilterPattern.stringValue('$.status', '=', '5*');
  new MetricFilter(accessLog, 'FailedAnswers', { logGroup: accessLog, filterPattern, ...nameOf(namePrefix) });
};

/** The answers of 5xx of a stage. */
export const failedAnswersMetric = (namePrefix: string): Metric => {
  const { metricNamespace: namespace, metricName } = nameOf(namePrefix);
  return new Metric({ namespace, metricName, statistic: 'Sum', period: Duration.minutes(5) });
};
