import { execFileSync } from 'node:child_process';
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

const run = ({ run: [program, ...words], input }: Command): void => {
  const given = input && execFileSync(input[0], input.slice(1), { cwd: ROOT });
  execFileSync(program, words, { cwd: ROOT, ...(given && { input: given }), stdio: [given ? 'pipe' : 'ignore', 2, 2] });
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
  execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { cwd: ROOT, encoding: 'utf8' }).trim();

const { values } = parseArgs({
  options: {
    repository: { type: 'string' },
    tag: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  },
});
if (values.repository === undefined) throw new Error('Which repository? --repository <uri>');
const tag = values.tag ?? commitOfTree();
if (values['dry-run']) {
  const commands = commandsFor(values.repository, tag, METADATA);
  console.log([...commands.map(written), whatNext(values.repository, 'sha256:<digest>')].join('\n'));
} else {
  const directory = mkdtempSync(join(tmpdir(), 'graphfleet-image-'));
  try {
    const metadataFile = join(directory, METADATA);
    for (const command of commandsFor(values.repository, tag, metadataFile)) run(command);
    const { 'containerimage.digest': digest = '' } = JSON.parse(readFileSync(metadataFile, 'utf8')) as Record<
      string,
      string
    >;
    if (!DIGEST.test(digest)) throw new Error(`docker buildx tells no digest of what it pushed, but "${digest}".`);
    console.log(whatNext(values.repository, digest));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
