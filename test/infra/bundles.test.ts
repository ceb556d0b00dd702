import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { LAMBDA_ENVIRONMENT } from './lambda-environment.ts';
import { buildDev, newApp, ofType, type Resource } from './synthesis.ts';

const LIMIT_KB = 450;
/** With its reason. */
const LARGER_KB: Record<string, number> = {
  // Checks a signature, reads a secret, keeps accounts, and asks for graphs and for their end: the clients of Secrets Manager, Step Functions and DynamoDB.
  'receive-billing-event': 475,
};

const app = newApp({ bundles: true });
const started = performance.now();
const { steps, workflows, apiFunctions } = buildDev(app);
const resources = Object.assign(
  {},
  ...[steps, workflows, apiFunctions].map(
    (stack) => Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>,
  ),
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
  const stillLarger = sizes.filter(({ name, kilobytes }) => name in LARGER_KB && kilobytes > LIMIT_KB);
  expect(stillLarger.map(({ name }) => name).sort(), 'exceptions that are needed').toEqual(
    Object.keys(LARGER_KB).sort(),
  );
  for (const { file } of bundles) expect(readdirSync(join(file, '..'))).toEqual(['index.mjs']);
});

test.each(bundles)('$name starts as Lambda starts it and exports its handler', ({ file }) => {
  const script = `
    globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
    const { handler } = await import(${JSON.stringify(file)});
    process.stdout.write(typeof handler);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: LAMBDA_ENVIRONMENT,
    cwd: '/',
  });
  expect(output.toString()).toBe('function');
});
