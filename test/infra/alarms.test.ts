import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import { addAlarms } from '../../lib/observability/alarms.ts';
import { ofType, synthesizedTemplates } from './synthesis.ts';

const { service } = synthesizedTemplates();
const alarms = ofType(service.resources, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties as Alarm);
type Alarm = {
  AlarmName: string;
  AlarmDescription: string;
  Namespace: string;
  MetricName: string;
  Statistic: string;
  Dimensions: { Name: string; Value: string }[];
};

/** What CloudWatch makes a metric of: a line in its embedded metric format. */
type MetricLine = Record<string, unknown> & {
  _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
};

test('every alarm says who is hurt, and names a runbook that there is and that tells all that is needed', () => {
  expect(alarms.length).toBeGreaterThan(0);
  for (const { AlarmDescription } of alarms) {
    const [, impact = '', runbook = ''] = /^(.+) Runbook: (docs\/runbooks\/[a-z-]+\.md)$/.exec(AlarmDescription) ?? [];
    expect(impact.length).toBeGreaterThan(20);
    const file = new URL(`../../${runbook}`, import.meta.url);
    expect(existsSync(file), runbook).toBe(true);
    const sections = readFileSync(file, 'utf8').match(/^## .+$/gm);
    expect(sections).toEqual(['## Description', '## Investigation', '## Resolution', '## When not to']);
  }
});

test('an alarm tells the topic of its stage, if there is one', () => {
  const topicArn = 'arn:aws:sns:eu-west-1:000000000000:operators';
  const stack = new Stack(new App(), 'Stack');
  addAlarms(stack, 'graphfleet-dev', { ...CONFIGURATIONS.dev, alarmTopicArn: topicArn });
  Template.fromStack(stack).allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [topicArn] });
  expect(alarms.every((alarm) => !('AlarmActions' in alarm))).toBe(true);
});

test('the alarm on undos that failed watches just the metric that the functions write when one has', () => {
  const lines = linesOf({ status: 'compensation_failed' });
  expect(lines).toHaveLength(1);
  const [line] = lines as [MetricLine];
  const [metric] = line._aws.CloudWatchMetrics;
  const alarm = alarms.find(({ AlarmName }) => AlarmName === 'graphfleet-dev-undo-failed');
  expect(alarm).toMatchObject({
    Namespace: metric?.Namespace,
    MetricName: metric?.Metrics[0]?.Name,
    Statistic: 'Sum',
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
  });
  expect(line[alarm?.MetricName ?? '']).toBe(1);
  // CloudWatch keeps a metric apart for each set of dimensions: another set is another metric, and never alarms.
  const dimensions = alarm?.Dimensions.map(({ Name, Value }) => [Name, Value]);
  expect(metric?.Dimensions).toEqual([dimensions?.map(([name]) => name)]);
  expect(dimensions).toEqual(metric?.Dimensions[0]?.map((name) => [name, line[name]]));
});

test('nothing is written when an operation ends in any other way', () => {
  for (const status of ['succeeded', 'failed', 'cancelled', 'timed_out']) expect(linesOf({ status })).toEqual([]);
});

/** What a function prints when its log gets an event. */
const linesOf = (event: { status: string }): MetricLine[] => {
  const module = new URL('../../functions/pipeline/operation-metrics.ts', import.meta.url);
  const script = `const { countUndoFailure } = await import('${module.href}'); countUndoFailure(${JSON.stringify(event)});`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { AWS_LAMBDA_FUNCTION_NAME: 'graphfleet-dev-record-undo-failure' },
  });
  return output
    .toString()
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as MetricLine]));
};
