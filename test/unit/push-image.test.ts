import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, onTestFinished, test, vi } from 'vitest';
import { setTierRoute } from '../../contract/api/fleet-routes.ts';

vi.setConfig({ testTimeout: 30_000 }); // each starts some processes
const SCRIPT = new URL('../../tools/push-image.ts', import.meta.url).pathname;
const REPOSITORY = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/graphfleet-dev-instance';
const DIGEST = `sha256:${'ab'.repeat(32)}`;

const push = (words: string[], path = process.env['PATH']) =>
  spawnSync(process.execPath, [SCRIPT, ...words], { encoding: 'utf8', env: { ...process.env, PATH: path } });

/** Programs named `aws` and `docker` that note how they were called; there is no Docker engine where tests run. */
const programs = (metadata: object) => {
  const directory = mkdtempSync(join(tmpdir(), 'graphfleet-push-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const calls = join(directory, 'calls');
  const put = (name: string, script: string) => {
    writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(directory, name), 0o755);
  };
  put('aws', `echo "aws $*" >> ${calls}; echo secret-password`);
  put(
    'docker',
    `echo "docker $*" >> ${calls}
if [ "$1" = login ]; then echo "password: $(cat)" >> ${calls}; exit 0; fi
while [ $# -gt 0 ]; do if [ "$1" = --metadata-file ]; then echo '${JSON.stringify(metadata)}' > "$2"; fi; shift; done`,
  );
  return {
    path: `${directory}:${process.env['PATH']}`,
    calls: () => readFileSync(calls, 'utf8'),
    fail: (name: string, reason: string) => put(name, `echo '${reason}' >&2; exit 9`),
  };
};

test('a dry run prints what would be run, and runs nothing', () => {
  const { path, calls } = programs({});
  const { stdout, status } = push(['--repository', REPOSITORY, '--tag', 'abc', '--dry-run'], path);
  expect(status).toBe(0);
  expect(stdout.split('\n').slice(0, 2)).toEqual([
    `aws ecr get-login-password --region eu-central-1 | docker login --username AWS --password-stdin ${REPOSITORY.split('/')[0]}`,
    `docker buildx build --platform linux/arm64 --file instance/Dockerfile --provenance=false --tag ${REPOSITORY}:abc --metadata-file metadata.json --push .`,
  ]);
  expect(calls).toThrow(/ENOENT/);
});

test('the image is pushed, and its digest is told with what to do with it', () => {
  const { path, calls } = programs({ 'containerimage.digest': DIGEST });
  const { stdout, status } = push(['--repository', REPOSITORY], path);
  expect(status).toBe(0);
  expect(stdout).toContain(`--context instanceImage=${REPOSITORY}@${DIGEST}`);
  const [, tier = '', body = ''] = /-X PUT "\$URL\/v1\/fleet\/tiers\/(\w+)".*--data '([^']+)'/s.exec(stdout) ?? [];
  expect(setTierRoute.params.parse({ tier })).toEqual({ tier: 'standard' });
  expect(setTierRoute.body.parse(JSON.parse(body))).toEqual({ image: DIGEST });
  const commit = execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { encoding: 'utf8' }).trim();
  expect(calls()).toContain(`--tag ${REPOSITORY}:${commit} `);
  expect(calls()).toContain('password: secret-password');
  expect(stdout).not.toContain('secret-password');
});

test('a push that tells no digest ends with a sentence', () => {
  const { path } = programs({ 'buildx.build.ref': 'somewhere' });
  const { status, stdout, stderr } = push(['--repository', REPOSITORY, '--tag', 'abc'], path);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toBe('docker buildx tells no digest of what it pushed, but "".\n');
});

const NOTHING = '/nowhere';

test.each<[string, string[], RegExp]>([
  ['no repository', ['--tag', 'abc'], /^Which repository\? .*\n$/],
  [
    'what is none',
    ['--repository', 'example.com/image:latest', '--tag', 'abc'],
    /^"example.com.*is no repository: .*\n$/,
  ],
  ['a tag that is none', ['--repository', REPOSITORY, '--tag', 'a b'], /^"a b" can not be a tag\.\n$/],
  ['an option that there is not', ['--colour', 'red'], /^Unknown option '--colour'.*\n$/],
  ['no aws', ['--repository', REPOSITORY, '--tag', 'abc'], /^aws is not installed, or not on the PATH\.\n$/],
])('%s is told in one line', (_what, words, line) => {
  const { status, stdout, stderr } = push(words, NOTHING);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(line);
});

test('a command that fails is named, below what it said itself', () => {
  const { path, fail } = programs({});
  fail('aws', 'no credentials');
  const { status, stderr } = push(['--repository', REPOSITORY, '--tag', 'abc'], path);
  expect(status).toBe(1);
  expect(stderr).toBe('no credentials\naws ecr get-login-password --region eu-central-1 failed (9).\n');
});

test('the image is built from all that the instance is made of, and is sent nothing else', async () => {
  const root = new URL('../../', import.meta.url).pathname;
  const { metafile } = await build({
    entryPoints: ['instance/main.ts', 'tools/instance-bundle.ts'],
    absWorkingDir: root,
    bundle: true,
    packages: 'external',
    write: false,
    metafile: true,
    outdir: 'not-written',
    platform: 'node',
    format: 'esm',
  });
  const sources = Object.keys(metafile.inputs).map((file) => (file.startsWith('tools/') ? file : file.split('/')[0]));
  const copied = [
    ...readFileSync(`${root}instance/Dockerfile`, 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm),
  ].flatMap(([, from = '']) => from.split(' '));
  expect([...new Set([...sources, 'package.json', 'package-lock.json'])].sort()).toEqual([...new Set(copied)].sort());
  const sent = readFileSync(`${root}.dockerignore`, 'utf8').match(/(?<=^!).+$/gm);
  expect(sent?.sort()).toEqual([...new Set(copied)].sort());
});

test('what the bundle leaves outside is what the image installs, in the versions of the lock', () => {
  const directory = mkdtempSync(join(tmpdir(), 'graphfleet-bundle-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync(process.execPath, [new URL('../../tools/instance-bundle.ts', import.meta.url).pathname, directory]);
  const { dependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Dependencies;
  const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lock;
  for (const [name, version] of Object.entries(dependencies))
    expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
  const bundle = readFileSync(join(directory, 'instance.mjs'), 'utf8');
  const imported = [...bundle.matchAll(/^import .*from "([^"]+)";$/gm)].map(([, name = '']) => name);
  const isOutside = (name: string) => !isBuiltin(name);
  expect([...new Set(imported.filter(isOutside))].sort()).toEqual(Object.keys(dependencies).sort());
  const dockerfile = readFileSync(new URL('../../instance/Dockerfile', import.meta.url), 'utf8');
  const taken = [...dockerfile.matchAll(/^COPY --from=bundle \/build\/image\/(\S+) /gm)].map(([, file]) => file);
  expect(taken.sort()).toEqual(readdirSync(directory).sort());
});

type Dependencies = { dependencies: Record<string, string> };
type Lock = { packages: Record<string, { version: string }> };
