import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { buildDev, newApp, ofType, type Resource } from './synthesis.ts';

const LIMIT_KB = 450;
/** With its reason: esbuild can not leave out the schemas of the S3 operations that are not called (66 KB); some speak to instances besides. */
const LARGER_KB: Record<string, number> = {
  'withdraw-snapshot': 540,
  // Schemas are merged and checked here, and the graph is asked for, paid for and placed in one function.
  'create-graph': 490,
  // The client of Secrets Manager besides those of DynamoDB and Step Functions.
  'receive-billing-event': 500,
  // The client of ECS.
  undrain: 490,
  'undrain-instance': 460,
  'replace-task': 480,
  'await-task': 480,
  'roll-back-task': 480,
  'rescue-graphs': 480,
  'redrive-dead-letter': 480,
  'query-graph': 460,
  'provision-subscription': 460,
  // The client of S3.
  'stage-table': 640,
  'publish-snapshot': 620,
  'publish-table': 600,
  'get-load-report': 600,
  'release-graph': 580,
  'release-table': 560,
  'back-up-graph': 620,
  'delete-subgraph': 500,
  'delete-subgraphs': 640,
  'erase-graph': 620,
  'download-backup': 600,
  'delete-backup': 600,
  'keep-backups': 600,
  'remove-backup': 560,
  'publish-restored': 560,
  'adopt-tables': 560,
  'forget-tables': 560,
  'register-file': 600,
  'list-files': 600,
  'get-file': 600,
  'delete-file': 600,
};

const app = newApp({ bundles: true });
const started = performance.now();
const { workflows, api } = buildDev(app);
const resources = Object.assign(
  {},
  ...[workflows, api].map((stack) => Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>),
) as Record<string, Resource>;
const seconds = (performance.now() - started) / 1_000;

const bundles = ofType(resources, 'AWS::Lambda::Function').map(([, resource]) => {
  const { Metadata } = resource as Resource & { Metadata: Record<string, string> };
  const file = join(app.outdir, Metadata['aws:asset:path'] ?? '', 'index.mjs');
  return { name: String(resource.Properties['FunctionName']).replace('graphfleet-dev-', ''), file };
});

test('every function is one small file', () => {
  const sizes = bundles.map(({ name, file }) => ({ name, kilobytes: Math.round(statSync(file).size / 1_024) }));
  sizes.sort((left, right) => right.kilobytes - left.kilobytes);
  const lines = sizes.map(({ name, kilobytes }) => `${String(kilobytes).padStart(5)} KB  ${name}`);
  process.stdout.write(`${sizes.length} bundles, synthesized in ${seconds.toFixed(1)} s\n${lines.join('\n')}\n`);
  expect(sizes.filter(({ name, kilobytes }) => kilobytes > (LARGER_KB[name] ?? LIMIT_KB))).toEqual([]);
  for (const { file } of bundles) expect(readdirSync(join(file, '..'))).toEqual(['index.mjs']);
});

test.each(bundles)('$name starts as Lambda starts it and exports its handler', ({ file }) => {
  const script = `
    globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
    const { handler } = await import(${JSON.stringify(file)});
    process.stdout.write(typeof handler);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: ENVIRONMENT,
    cwd: '/',
  });
  expect(output.toString()).toBe('function');
});

/** All that any function parses, and what Lambda itself sets. */
const ENVIRONMENT = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'placeholder',
  AWS_SECRET_ACCESS_KEY: 'placeholder',
  CONTROL_TABLE_NAME: 'table',
  OBJECT_STORE_URL: 's3://bucket',
  STATE_MACHINE_ARN_PREFIX: 'arn:aws:states:eu-central-1:000000000000:stateMachine:graphfleet-dev-',
  BILLING_WEBHOOK_SECRETS: 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:webhooks',
  TOKEN_ISSUER: 'https://identity.example.com/',
  TOKEN_AUDIENCE: 'graphfleet',
  TOKEN_JWKS_URL: 'https://identity.example.com/jwks.json',
  ECS_CLUSTER: 'cluster',
  TASK_DEFINITION_PREFIX: 'graphfleet-dev',
  SUBNET_IDS: 'subnet-1,subnet-2',
  SECURITY_GROUP_IDS: 'sg-1',
};
