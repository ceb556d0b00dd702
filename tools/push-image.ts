import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * `npm run push-image -- --repository <uri> [--tag <tag>] [--dry-run]`: builds the image of graph instances, pushes it to the
 * repository that the data stack made (its output `ImageRepositoryUri`), and prints the digest with what to do with it.
 * Needs Docker with buildx that can run arm64 (docs/operations.md, section 2), and credentials for ECR. Tags can not be
 * moved: one that there is fails the push.
 */
const ROOT = join(import.meta.dirname, '..');
const REPOSITORY = /^(?<registry>\d{12}\.dkr\.ecr\.(?<region>[a-z0-9-]+)\.amazonaws\.com)\/[a-z0-9._/-]+$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const METADATA = 'metadata.json';

type Command = { readonly run: readonly [string, ...string[]]; readonly input?: readonly [string, ...string[]] };

/** What is run, in this order; `input` is a command whose output the other gets. */
const commandsFor = (repository: string, tag: string, metadataFile: string): Command[] => {
  const { registry, region } = REPOSITORY.exec(repository)?.groups ?? {};
  if (registry === undefined || region === undefined) {
    throw new Error(`"${repository}" is no repository: write <account>.dkr.ecr.<region>.amazonaws.com/<name>.`);
  }
  if (!TAG.test(tag)) throw new Error(`"${tag}" can not be a tag.`);
  return [
    {
      run: ['docker', 'login', '--username', 'AWS', '--password-stdin', registry],
      input: ['aws', 'ecr', 'get-login-password', '--region', region],
    },
    {
      // Without provenance the digest is that of the image: with it, of a list that has the image in it.
      run: [
        ...['docker', 'buildx', 'build'],
        ...['--platform', 'linux/arm64', '--file', 'instance/Dockerfile', '--provenance=false'],
        ...['--tag', `${repository}:${tag}`, '--metadata-file', metadataFile, '--push', '.'],
      ] as [string, ...string[]],
    },
  ];
};

const run = ({ run: words, input }: Command): void => {
  const given = input && outputOf(input, { stdio: ['ignore', 'pipe', 'inherit'] });
  outputOf(words, {
    ...(given !== undefined && { input: given }),
    stdio: [given === undefined ? 'ignore' : 'pipe', 2, 2],
  });
};

/** @throws {Error} it is not installed, or failed; what it printed about that is on the standard error already */
const outputOf = ([program, ...words]: Command['run'], options: ExecFileSyncOptions): Buffer => {
  try {
    return execFileSync(program, words, { cwd: ROOT, ...options }) as Buffer;
  } catch (cause) {
    const { code, status, signal } = cause as { code?: string; status?: number | null; signal?: string };
    const failed = `${[program, ...words].join(' ')} failed (${status ?? signal ?? code}).`;
    throw new Error(code === 'ENOENT' ? `${program} is not installed, or not on the PATH.` : failed, { cause });
  }
};

const written = ({ run: words, input }: Command): string =>
  `${input === undefined ? '' : `${input.join(' ')} | `}${words.join(' ')}`;

const whatNext = (repository: string, digest: string): string => `${repository}@${digest}

For every deploy from now on; tiers that have no image yet take it:
  npx cdk deploy --all --context stage=<stage> --context instanceImage=${repository}@${digest}
For a tier that has one, which a refresh then rolls out (POST /v1/fleet/refreshes):
  curl -X PUT "$URL/v1/fleet/tiers/standard" -H "Authorization: Bearer $OPERATOR" -H 'Content-Type: application/json' \\
    --data '{"image":"${digest}"}'`;

const commitOfTree = (): string =>
  outputOf(['git', 'describe', '--always', '--dirty', '--abbrev=12'], { stdio: ['ignore', 'pipe', 'inherit'] })
    .toString()
    .trim();

const push = (repository: string, tag: string): string => {
  const directory = mkdtempSync(join(tmpdir(), 'graphfleet-image-'));
  try {
    const metadataFile = join(directory, METADATA);
    for (const command of commandsFor(repository, tag, metadataFile)) run(command);
    const metadata = JSON.parse(readFileSync(metadataFile, 'utf8')) as Record<string, string>;
    const { 'containerimage.digest': digest = '' } = metadata;
    if (!DIGEST.test(digest)) throw new Error(`docker buildx tells no digest of what it pushed, but "${digest}".`);
    return digest;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const main = (): void => {
  const { values } = parseArgs({
    options: {
      repository: { type: 'string' },
      tag: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const { repository, 'dry-run': dryRun } = values;
  if (repository === undefined) {
    throw new Error('Which repository? --repository <ImageRepositoryUri, an output of the data stack>');
  }
  const tag = values.tag ?? commitOfTree();
  if (dryRun) for (const command of commandsFor(repository, tag, METADATA)) console.log(written(command));
  console.log(whatNext(repository, dryRun ? 'sha256:<digest>' : push(repository, tag)));
};

try {
  main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
