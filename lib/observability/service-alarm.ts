import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

export type ServiceAlarmProps = {
  /** Alarms are named `<prefix>-<name>`. */
  readonly namePrefix: string;
  readonly name: string;
  readonly metric: IMetric;
  /** From here on it is too much. @default 1: it must not happen */
  readonly threshold?: number;
  /** Below the threshold is too little. @default false */
  readonly isLeast?: boolean;
  /** So many periods of the metric in a row. @default 1 */
  readonly periods?: number;
  /**
   * What it means that the metric has nothing. What is counted is written when it happens, so else all is well; what is
   * measured every minute is missing when nobody measures, which says nothing: the alarm stays as it is.
   * @default NOT_BREACHING
   */
  readonly missing?: TreatMissingData;
  /** Who is hurt, and how. */
  readonly impact: string;
  /** What to do: a file of this repository. */
  readonly runbook: `docs/runbooks/${string}.md`;
  /** It going off while a deploy of functions or workflows is under way takes that deploy back. */
  readonly rollsBack?: true;
  /** Who is told; null: nobody, the alarm is seen in the console only. */
  readonly topicArn: string | null;
  /** Where runbooks are read in a browser; null: in this repository. */
  readonly runbooks: string | null;
};

const RUNBOOKS = 'docs/runbooks/';

/** An alarm of the service. It can not be made without saying who is hurt and what is to be done. */
export class ServiceAlarm extends Construct {
  readonly alarm: Alarm;
  readonly alarmName: string;
  readonly rollsBack: boolean;

  constructor(scope: Construct, id: string, props: ServiceAlarmProps) {
    super(scope, id);
    const { namePrefix, name, metric, threshold = 1, isLeast = false, periods = 1, missing } = props;
    const { impact, runbook, topicArn, runbooks, rollsBack = false } = props;
    this.alarmName = `${namePrefix}-${name}`;
    this.rollsBack = rollsBack;
    this.alarm = new Alarm(this, 'Alarm', {
      alarmName: this.alarmName,
      alarmDescription: `${impact} Runbook: ${runbook.replace(RUNBOOKS, runbooks ?? RUNBOOKS)}`,
      metric,
      threshold,
      comparisonOperator: isLeast
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
    });
    if (topicArn !== null) this.alarm.addAlarmAction(new SnsAction(Topic.fromTopicArn(this, 'Topic', topicArn)));
  }
}
