import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FUNCTIONS } from '../../contract/functions.ts';
import { LAMBDA_ENVIRONMENT } from './lambda-environment.ts';
import { buildDev, newApp, ofType, type Resource } from './synthesis.ts';

const LIMIT_KB = 450;

/** Where the stacks are, with the functions' code: what was synthesized before, if anything was, because it takes half a minute. */
const synthesized = (): string => {
  const { GRAPHFLEET_ASSEMBLY } = process.env;
  if (GRAPHFLEET_ASSEMBLY !== undefined) return GRAPHFLEET_ASSEMBLY;
  const app = newApp({ bundles: true });
  buildDev(app);
  return app.synth().directory;
};
const assembly = synthesized();

const bundles = globSync('*.template.json', { cwd: assembly })
  .flatMap((template) => {
    const { Resources } = JSON.parse(readFileSync(join(assembly, template), 'utf8')) as {
      Resources: Record<string, Resource>;
    };
    return ofType(Resources, 'AWS::Lambda::Function');
  })
  .flatMap(([, { Properties, Metadata }]) => {
    const name = String(Properties['FunctionName']);
    // Besides ours there are functions of the CDK's own.
    if (!name.startsWith('graphfleet-dev-')) return [];
    const file = join(assembly, String(Metadata?.['aws:asset:path']), 'index.mjs');
    return [{ name: name.replace('graphfleet-dev-', ''), file }];
  });

test('there is one of every function', () => {
  expect(bundles.map(({ name }) => name).sort()).toEqual(Object.keys(FUNCTIONS).sort());
});

test('every function is one small file', () => {
  const sizes = bundles.map(({ name, file }) => ({ name, kilobytes: statSync(file).size / 1_024 }));
  sizes.sort((left, right) => right.kilobytes - left.kilobytes);
  const lines = sizes.map(({ name, kilobytes }) => `${kilobytes.toFixed(1).padStart(7)} KB  ${name}`);
  process.stdout.write(`${lines.join('\n')}\n`);
  expect(sizes.filter(({ kilobytes }) => kilobytes > LIMIT_KB)).toEqual([]);
  for (const { file } of bundles) expect(readdirSync(join(file, '..'))).toEqual(['index.mjs']);
});

test('every function starts as Lambda starts it, and exports its handler', () => {
  // One process for all: each file is a world of its own, and a process for each would cost more than loading it.
  const script = `
    globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
    const load = async ({ name, file }) => {
      try {
        const { handler } = await import(file);
        return [name, typeof handler];
      } catch (error) {
        return [name, String(error)];
      }
    };
    const exported = [];
    for (const bundle of JSON.parse(process.argv[1])) exported.push(await load(bundle));
    process.stdout.write(JSON.stringify(Object.fromEntries(exported)));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script, JSON.stringify(bundles)], {
    env: LAMBDA_ENVIRONMENT,
    cwd: '/',
  });
  const expected = Object.fromEntries(bundles.map(({ name }) => [name, 'function']));
  expect(JSON.parse(output.toString())).toEqual(expected);
});
