import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { METRIC_NAMESPACE } from '../../contract/metrics.ts';

const nameOf = (namePrefix: string) => ({
  metricNamespace: `${METRIC_NAMESPACE}/${namePrefix}`,
  metricName: 'FunctionCrashed',
});

/** What Lambda itself writes of a call that a function did not live to end; not of an error that a handler threw. */
const CRASHES = [
  'Status: timeout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Runtime.HandlerNotFound',
  'Runtime.ImportModuleError',
  'Runtime.UserCodeSyntaxError',
];
/** And of one whose module could not be loaded. */
const FAILED_START = ['INIT_REPORT', 'Status: error'];

/** Counts the functions that could not start, or ran out of time or memory: none of our code is left then to count them. */
export const countCrashes = (log: ILogGroup, namePrefix: string): void => {
  const filters = { Crashes: FilterPattern.anyTerm(...CRASHES), FailedStarts: FilterPattern.allTerms(...FAILED_START) };
  for (const [id, filterPattern] of Object.entries(filters))
    new MetricFilter(log, id, { logGroup: log, filterPattern, ...nameOf(namePrefix) });
};

/** The crashes of all functions of a stage. */
export const crashMetric = (namePrefix: string): Metric => {
  const { metricNamespace: namespace, metricName } = nameOf(namePrefix);
  return new Metric({ namespace, metricName, statistic: 'Sum', period: Duration.minutes(5) });
};
