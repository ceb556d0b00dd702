import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import type { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { beforeAll, expect, inject, test } from 'vitest';
import { ROUTES } from '../../contract/api/routes.ts';
import { FUNCTIONS, type FunctionName, isSchedule } from '../../contract/functions.ts';
import { METRIC_NAMESPACE, METRICS, type MetricName } from '../../contract/metrics.ts';
import { OPERATION_KINDS, TERMINAL_STATUSES } from '../../domain/operation/operation.ts';
import { MOST_WAIT_MINUTES } from '../../domain/refresh/instance-refresh.ts';
import { addAlarms, operationAlarms } from '../../lib/observability/alarms.ts';
import { ServiceMetrics } from '../../lib/observability/service-metrics.ts';
import { type EmittedMetric, emitMetrics } from './emitted-metrics.ts';
import { deployed, ofType, type Resource } from './synthesis.ts';

const SERVICE = 'graphfleet-dev';
const ROOT = new URL('../../', import.meta.url);

/** The resources of all stacks of the stage, by logical id. */
const resources = Object.assign(
  {},
  ...globSync('*.template.json', { cwd: inject('templates') }).map(
    (file) => JSON.parse(readFileSync(join(inject('templates'), file), 'utf8')).Resources as object,
  ),
) as Record<string, Resource>;

type Watched = { namespace: string; name: string; dimensions: Record<string, string> };
type TemplateMetric = { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: unknown }[] };
type State = { HeartbeatSeconds?: number; TimeoutSeconds?: number };
/** What CloudWatch counts in the lines of a log. */
const fromLogs = ofType(resources, 'AWS::Logs::MetricFilter').flatMap(([, { Properties }]) =>
  (Properties['MetricTransformations'] as [{ MetricNamespace: string; MetricName: string }]).map(
    ({ MetricNamespace, MetricName }) => `${MetricNamespace} ${MetricName} `,
  ),
);
type Alarm = Partial<TemplateMetric> & {
  AlarmName: string;
  AlarmDescription: string;
  Statistic?: string;
  TreatMissingData: string;
  Threshold: number;
  AlarmActions?: unknown[];
  Metrics?: { Id: string; Expression?: string; MetricStat?: { Metric: TemplateMetric; Stat: string } }[];
};
const alarms = ofType(resources, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties as unknown as Alarm);

const watched = ({ Namespace: namespace, MetricName: name, Dimensions = [] }: TemplateMetric): Watched => ({
  namespace,
  name,
  dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, deployed(Value, resources)])),
});
/** Every metric that an alarm looks at. */
const watchedBy = ({ Metrics, ...single }: Alarm): Watched[] =>
  Metrics === undefined
    ? [watched(single as TemplateMetric)]
    : Metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [watched(MetricStat.Metric)]));

let emitted: EmittedMetric[];
beforeAll(async () => {
  emitted = await emitMetrics(SERVICE);
});

const textOf = ({ namespace, name, dimensions }: Watched): string =>
  `${namespace} ${name} ${Object.entries(dimensions)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')}`;
const isOurs = ({ namespace }: Watched): boolean => !namespace.startsWith('AWS/');

/**
 * What the services write of resources like ours, with the dimensions that they write it under, from their
 * documentation; and what of the templates the value is the name of.
 */
const FROM_AWS: Record<string, { metrics: readonly string[]; dimensions: Record<string, (value: string) => boolean> }> =
  {
    'AWS/ApiGateway': {
      metrics: ['4XXError', '5XXError', 'Count', 'Latency', 'IntegrationLatency'],
      dimensions: { ApiName: (value) => namesOf('AWS::ApiGateway::RestApi', 'Name').includes(value) },
    },
    'AWS/Lambda': {
      metrics: ['Invocations', 'Errors', 'Throttles', 'Duration', 'ConcurrentExecutions'],
      dimensions: { FunctionName: (value) => namesOf('AWS::Lambda::Function', 'FunctionName').includes(value) },
    },
    'AWS/Lambda of all functions': {
      metrics: ['Invocations', 'Errors', 'Throttles', 'ConcurrentExecutions'],
      dimensions: {},
    },
    'AWS/States of the account': {
      metrics: ['ThrottledEvents', 'ConsumedCapacity', 'ProvisionedBucketSize', 'ProvisionedRefillRate'],
      dimensions: { ServiceMetric: (value) => value === 'StateTransition' },
    },
    'AWS/States': {
      metrics: [
        'ExecutionsStarted',
        'ExecutionsFailed',
        'ExecutionsTimedOut',
        'ExecutionsAborted',
        'ExecutionThrottled',
      ],
      dimensions: {
        StateMachineArn: (value) =>
          namesOf('AWS::StepFunctions::StateMachine', 'StateMachineName').includes(value.split(':').at(-1) ?? ''),
      },
    },
    'AWS/DynamoDB': {
      metrics: ['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits', 'ReadThrottleEvents', 'WriteThrottleEvents'],
      dimensions: { TableName: (value) => tableNames.some((id) => value.includes(id)) },
    },
  };
const namesOf = (type: string, property: string): string[] =>
  ofType(resources, type).map(([, { Properties }]) => deployed(Properties[property], resources));
const tableNames = [
  ...ofType(resources, 'AWS::DynamoDB::Table'),
  ...ofType(resources, 'AWS::DynamoDB::GlobalTable'),
].map(([id]) => id);

/** Whether a service writes a metric, under just these dimensions. */
const comesFromAws = ({ namespace, name, dimensions }: Watched): boolean =>
  Object.entries(FROM_AWS).some(([of, written]) => {
    const keys = Object.keys(written.dimensions);
    return (
      of.split(' ')[0] === namespace &&
      written.metrics.includes(name) &&
      keys.length === Object.keys(dimensions).length &&
      keys.every((key) => written.dimensions[key]?.(dimensions[key] ?? '') ?? false)
    );
  });

test('every alarm says who is hurt, and names a runbook that there is and that tells all that is needed', () => {
  expect(alarms.length).toBeGreaterThan(20);
  for (const { AlarmDescription, AlarmName } of alarms) {
    const [, impact = '', runbook = ''] = /^(.+) Runbook: (docs\/runbooks\/[a-z-]+\.md)$/.exec(AlarmDescription) ?? [];
    expect(impact.length, AlarmName).toBeGreaterThan(20);
    expect(existsSync(new URL(runbook, ROOT)), `${AlarmName}: ${runbook}`).toBe(true);
    const text = readFileSync(new URL(runbook, ROOT), 'utf8');
    const sections = text.match(/^## .+$/gm);
    expect(sections, runbook).toEqual(['## Description', '## Investigation', '## Resolution', '## When not to']);
    expect(text, runbook).toContain(AlarmName.replace(SERVICE, 'graphfleet-<stage>'));
  }
});

test('every alarm and every runbook is listed, and every runbook belongs to an alarm', () => {
  const index = readFileSync(new URL('docs/runbooks/README.md', ROOT), 'utf8');
  for (const { AlarmName } of alarms) expect(index).toContain(`\`${AlarmName.replace(`${SERVICE}-`, '')}\``);
  const files = globSync('docs/runbooks/*.md', { cwd: ROOT.pathname }).map((file) => basename(file));
  for (const file of files.filter((name) => name !== 'README.md')) {
    expect(index).toContain(`](${file})`);
    expect(
      alarms.some(({ AlarmDescription }) => AlarmDescription.endsWith(`/${file}`)),
      file,
    ).toBe(true);
  }
});

test('every call that a runbook asks for is one of the API', () => {
  const patterns = ROUTES.map(({ method, path }) => ({
    method,
    path: new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
  }));
  const files = globSync('docs/runbooks/*.md', { cwd: ROOT.pathname });
  const calls = files.flatMap((file) => {
    const text = readFileSync(new URL(file, ROOT), 'utf8');
    return [...text.matchAll(/`(GET|PUT|POST|DELETE) (\/[^`?]+)(?:\?[^`]*)?`/g)];
  });
  expect(calls.length).toBeGreaterThan(20);
  for (const [call, method, asked = ''] of calls) {
    expect(
      patterns.some(({ method: of, path }) => of === method && path.test(asked)),
      call,
    ).toBe(true);
  }
});

test('an alarm tells the topic of its stage, if there is one', () => {
  const topicArn = 'arn:aws:sns:eu-west-1:000000000000:operators';
  const stack = new Stack(new App(), 'Stack');
  const told = { namePrefix: SERVICE, topicArn, runbooks: null };
  const made = addAlarms(stack, operationAlarms(new ServiceMetrics(SERVICE)), told);
  for (const { alarm } of made) {
    expect(stack.resolve((alarm.node.defaultChild as CfnAlarm).alarmActions)).toEqual([topicArn]);
  }
  expect(alarms.every((alarm) => !('AlarmActions' in alarm))).toBe(true);
});

test('an alarm links to its runbook, where the stage says where runbooks are read', () => {
  const runbooks = 'https://git.example.com/graphfleet/blob/main/docs/runbooks/';
  const stack = new Stack(new App(), 'Stack');
  const told = { namePrefix: SERVICE, topicArn: null, runbooks };
  for (const { alarm } of addAlarms(stack, operationAlarms(new ServiceMetrics(SERVICE)), told)) {
    const description = String((alarm.node.defaultChild as CfnAlarm).alarmDescription);
    const [, path = ''] =
      / Runbook: https:\/\/git\.example\.com\/graphfleet\/blob\/main\/(\S+)$/.exec(description) ?? [];
    expect(existsSync(new URL(path, ROOT)) && path, description).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/);
  }
});

test.each(alarms.map((alarm) => [alarm.AlarmName, alarm] as const))(
  'what %s watches is written, under just this name and these dimensions',
  (_, alarm) => {
    const written = new Set(emitted.map(textOf));
    const all = watchedBy(alarm);
    expect(all.length).toBeGreaterThan(0);
    for (const metric of all) {
      if (isOurs(metric)) expect([...written, ...fromLogs]).toContain(textOf(metric));
      else expect(comesFromAws(metric), textOf(metric)).toBe(true);
    }
    // A number of several metrics leaves none of them out, and names no other.
    for (const { Expression } of alarm.Metrics ?? []) {
      if (Expression === undefined) continue;
      const ids = (alarm.Metrics ?? []).filter(({ MetricStat }) => MetricStat !== undefined).map(({ Id }) => Id);
      expect([...new Set(Expression.match(/\bm\d+\b/g))].sort()).toEqual(ids.sort());
      expect(ids.length).toBeLessThanOrEqual(10);
    }
  },
);

test('what alarms measure rises when there is something to measure', () => {
  const rises = new Set(emitted.filter(({ value }) => value > 0).map(textOf));
  for (const alarm of alarms) {
    const ours = watchedBy(alarm)
      .filter(({ namespace }) => namespace === METRIC_NAMESPACE)
      .map(textOf);
    if (ours.length === 0) continue;
    expect(
      ours.some((metric) => rises.has(metric)),
      alarm.AlarmName,
    ).toBe(true);
  }
  const neverAboveZero = Object.keys(METRICS).filter(
    (of) => !emitted.some(({ name, value }) => name === of && value > 0),
  );
  expect(neverAboveZero).toEqual([]);
});

test('an alarm that keeps its state without data watches what is written every minute, also when it is nothing', () => {
  for (const alarm of alarms) {
    const stats = [alarm.Statistic, ...(alarm.Metrics ?? []).map(({ MetricStat }) => MetricStat?.Stat)];
    const isMeasured = stats.includes('Maximum');
    const isOfSchedules = watchedBy(alarm).some(({ name }) => name === 'ScheduleRan');
    if (isOfSchedules) expect(alarm.TreatMissingData, alarm.AlarmName).toBe('breaching');
    else expect(alarm.TreatMissingData, alarm.AlarmName).toBe(isMeasured ? 'ignore' : 'notBreaching');
  }
});

test('an alarm tells of every schedule that it does not run, or fails', () => {
  const ran = (all: { name: string; dimensions: Record<string, string> }[]) =>
    all.flatMap(({ name, dimensions: { schedule = '' } }) => (name === 'ScheduleRan' ? [schedule] : [])).sort();
  const schedules = Object.keys(FUNCTIONS).filter((name) => isSchedule(name as FunctionName));
  expect(ran(alarms.flatMap(watchedBy))).toEqual(schedules.sort());
  // One of them has run twice, and failed the second time.
  expect(ran(emitted)).toEqual(schedules);
});

test('an instance that is closed, or held, alarms only once it can not be by what anybody may ask for', () => {
  const thresholdOf = (name: string) =>
    alarms.find(({ AlarmName }) => AlarmName === `${SERVICE}-${name}`)?.Threshold ?? 0;
  expect(thresholdOf('drain-long')).toBeGreaterThan(MOST_WAIT_MINUTES * 60);
  const states = globSync('statemachines/asl/*.json', { cwd: ROOT.pathname }).flatMap((file) =>
    Object.values((JSON.parse(readFileSync(new URL(file, ROOT), 'utf8')) as { States: Record<string, State> }).States),
  );
  const jobs = states.filter(({ HeartbeatSeconds }) => HeartbeatSeconds !== undefined);
  expect(jobs.length).toBeGreaterThan(5);
  expect(thresholdOf('lease-old')).toBeGreaterThan(Math.max(...jobs.map(({ TimeoutSeconds = 0 }) => TimeoutSeconds)));
});

test('what every function writes has the dimension of its stage', () => {
  const functions = ofType(resources, 'AWS::Lambda::Function').filter(
    ([, { Properties }]) => 'FunctionName' in Properties,
  );
  expect(functions.length).toBeGreaterThan(100);
  for (const [id, { Properties }] of functions) {
    const { Variables } = Properties['Environment'] as { Variables: Record<string, unknown> };
    expect(Variables['POWERTOOLS_SERVICE_NAME'], id).toBe(SERVICE);
  }
});

test('every metric of the contract is written, in its unit and with its dimensions, and no other', () => {
  const known = (Object.keys(METRICS) as MetricName[]).sort();
  expect([...new Set(emitted.map(({ name }) => name))].sort()).toEqual(known);
  for (const { name, unit, dimensions, value } of emitted) {
    const { unit: of, ...metric } = METRICS[name as MetricName];
    const own = 'dimension' in metric ? [metric.dimension] : [];
    expect(unit, name).toBe(of);
    expect(Object.keys(dimensions).sort(), name).toEqual(['service', ...own].sort());
    expect(value, name).toBeGreaterThanOrEqual(0);
  }
});

test('every metric of the dashboard is written', () => {
  const [[, dashboard] = [], ...others] = ofType(resources, 'AWS::CloudWatch::Dashboard');
  expect(others).toEqual([]);
  const body = JSON.parse(deployed(dashboard?.Properties['DashboardBody'], resources)) as {
    widgets: { properties: { metrics?: unknown[][] } }[];
  };
  const shown = body.widgets.flatMap(({ properties: { metrics = [] } }) => metrics.map(shownMetric));
  expect(shown.length).toBeGreaterThan(50);
  const written = new Set(emitted.map(textOf));
  for (const metric of shown) {
    if (!isOurs(metric)) expect(comesFromAws(metric), textOf(metric)).toBe(true);
    else if (!isOneOfMany(metric)) expect([...written]).toContain(textOf(metric));
  }
});

/** Of each kind and outcome the functions write the same; here not every one comes about. */
const isOneOfMany = (metric: Watched): boolean => {
  const values = { kind: OPERATION_KINDS, outcome: TERMINAL_STATUSES } as Record<string, readonly string[]>;
  return Object.entries(values).some(([key, all]) => {
    const { [key]: value = '', ...dimensions } = metric.dimensions;
    const isAlike = (one: EmittedMetric) =>
      textOf({ ...one, dimensions: { ...one.dimensions, [key]: value } }) ===
      textOf({ ...metric, dimensions: { ...dimensions, [key]: value } });
    return all.includes(value) && emitted.some(isAlike);
  });
};

/** `[namespace, name, key, value, …, settings]`, as a dashboard has it. */
const shownMetric = (given: unknown[]): Watched => {
  const [namespace = '', name = '', ...pairs] = given.filter((part) => typeof part === 'string');
  const dimensions = Object.fromEntries(
    pairs.flatMap((key, at) => (at % 2 === 0 ? [[key, pairs[at + 1] ?? '']] : [])),
  ) as Record<string, string>;
  return { namespace, name, dimensions };
};
