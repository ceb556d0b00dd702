import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { METRICS, type MetricName } from '../../contract/metrics.ts';

export type ServiceAlarmProps = {
  /** Alarms are named `<prefix>-<name>`. */
  readonly namePrefix: string;
  readonly name: string;
  /** Counts what must not happen: one in five minutes is too many. */
  readonly metric: MetricName;
  /** Who is hurt, and how. */
  readonly impact: string;
  /** What to do: a file of this repository. */
  readonly runbook: `docs/runbooks/${string}.md`;
  /** Who is told; null: nobody, the alarm is seen in the console only. */
  readonly topicArn: string | null;
};

/** An alarm on a metric of the functions. It can not be made without saying who is hurt and what is to be done. */
export class ServiceAlarm extends Construct {
  constructor(scope: Construct, id: string, props: ServiceAlarmProps) {
    super(scope, id);
    const { namePrefix, name, metric, impact, runbook, topicArn } = props;
    const alarm = new Alarm(this, 'Alarm', {
      alarmName: `${namePrefix}-${name}`,
      alarmDescription: `${impact} Runbook: ${runbook}`,
      metric: new Metric({
        namespace: METRICS.namespace,
        metricName: metric,
        dimensionsMap: METRICS.dimensions,
        statistic: 'Sum',
        period: Duration.minutes(5),
      }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // The metric is written when it happens, and else there is none.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (topicArn !== null) alarm.addAlarmAction(new SnsAction(Topic.fromTopicArn(this, 'Topic', topicArn)));
  }
}
