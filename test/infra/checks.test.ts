import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { expect, test } from 'vitest';
import { addChecks, buildApplication } from '../../lib/application.ts';
import { CONFIGURATIONS } from '../../lib/configuration.ts';
import { FLEET_PERMISSIONS, type FleetPermission } from '../../lib/fleet/instance-fleet.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { EVERYTHING } from './everything.ts';
import { buildDev, newApp } from './synthesis.ts';

type Report = { pluginReports: { violations: { ruleName: string }[] }[] };

/** The rules that a synthesis found broken; it fails when there is one. */
const findings = (build: (app: ReturnType<typeof newApp>) => unknown): { failed: boolean; rules: string[] } => {
  const app = newApp({ validates: true });
  build(app);
  addChecks(app);
  let failed = false;
  try {
    app.synth();
  } catch {
    failed = true;
  }
  const report = JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')) as Report;
  return {
    failed,
    rules: report.pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName)),
  };
};

test.each([CONFIGURATIONS.dev, EVERYTHING])(
  'the checks find nothing in $stage that is not acknowledged',
  (configuration) => {
    const found = findings((app) => buildApplication(app, configuration, PLACEHOLDER_IMAGE));
    expect(found).toEqual({ failed: false, rules: [] });
  },
);

test('the checks find nothing in what functions may be allowed to do with instances', () => {
  const found = findings((app) => {
    const { fleet } = buildDev(app);
    const stack = new Stack(app, 'Functions');
    for (const permission of Object.keys(FLEET_PERMISSIONS) as FleetPermission[]) {
      const assumedBy = new ServicePrincipal('lambda.amazonaws.com');
      fleet.fleet.grant(new Role(stack, permission, { assumedBy }), permission);
    }
  });
  expect(found).toEqual({ failed: false, rules: [] });
});

test('a finding that nobody acknowledged fails the synthesis', () => {
  const found = findings((app) => new Bucket(new Stack(app, 'Careless'), 'Bucket'));
  expect(found.failed).toBe(true);
  expect(found.rules.join()).toContain('AwsSolutions-S1');
});
