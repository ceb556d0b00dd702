import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { METRIC_NAMESPACE } from '../../contract/metrics.ts';

const nameOf = (namePrefix: string) => ({
  metricNamespace: `${METRIC_NAMESPACE}/${namePrefix}`,
  metricName: 'FunctionCrashed',
});

/** What Lambda itself writes at the end of a call that a function did not live to end. */
const CRASHES = ['Status: error', 'Status: timeout'];

/** Counts the functions that could not start, or ran out of time or memory: none of our code is left then to count them. */
export const countCrashes = (log: ILogGroup, namePrefix: string): void => {
  new MetricFilter(log, 'Crashes', {
    logGroup: log,
    filterPattern: FilterPattern.anyTerm(...CRASHES),
    ...nameOf(namePrefix),
  });
};

/** The crashes of all functions of a stage. */
export const crashMetric = (namePrefix: string): Metric => {
  const { metricNamespace: namespace, metricName } = nameOf(namePrefix);
  return new Metric({ namespace, metricName, statistic: 'Sum', period: Duration.minutes(5) });
};
