import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { METRIC_NAMESPACE } from '../../contract/metrics.ts';

/** What CloudWatch counts in the lines of a log of a stage, where none of our code is left to count it. */
class LogMetric {
  readonly #metricName: string;
  readonly #patterns: Readonly<Record<string, IFilterPattern>>;

  /** @param patterns a line that fits one of them counts; by the ids of their constructs */
  constructor(metricName: string, patterns: Readonly<Record<string, IFilterPattern>>) {
    this.#metricName = metricName;
    this.#patterns = patterns;
  }

  countIn(log: ILogGroup, namePrefix: string): void {
    for (const [id, filterPattern] of Object.entries(this.#patterns))
      new MetricFilter(log, id, {
        logGroup: log,
        filterPattern,
        metricNamespace: namespaceOf(namePrefix),
        metricName: this.#metricName,
      });
  }

  /** The sum of five minutes in all logs of the stage that it is counted in. */
  of(namePrefix: string): Metric {
    const period = Duration.minutes(5);
    return new Metric({ namespace: namespaceOf(namePrefix), metricName: this.#metricName, statistic: 'Sum', period });
  }
}

const namespaceOf = (namePrefix: string) => `${METRIC_NAMESPACE}/${namePrefix}`;

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

/** Functions that could not start, or ran out of time or memory: in their logs. */
export const FUNCTION_CRASHED = new LogMetric('FunctionCrashed', {
  Crashes: FilterPattern.anyTerm(...CRASHES),
  FailedStarts: FilterPattern.allTerms(...FAILED_START),
});

/**
 * Answers of 5xx: in the API's access log, whose `status` is what clients got. API Gateway's own `5XXError` leaves those out
 * whose status we have set: it counts them as `4XXError`.
 */
export const ANSWER_FAILED = new LogMetric('AnswerFailed', {
  FailedAnswers: FilterPattern.stringValue('$.status', '=', '5*'),
});
