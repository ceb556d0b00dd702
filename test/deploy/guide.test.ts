import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { ownTarget } from '../e2e/target.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUIDE = await readFile(join(ROOT, 'docs/operations.md'), 'utf8');
const { environment, assembly } = inject('deployed');
const { url, tokens, dataDirectory } = ownTarget();
const { webhookSecret } = JSON.parse(await readFile(join(dataDirectory ?? '', 'runtime.json'), 'utf8')) as {
  webhookSecret: string;
};

/** The commands that the guide says can be tried: its blocks in `bash`; those in `sh` need an account. */
const blocks = [...GUIDE.matchAll(/^```bash\n(.*?)\n```$/gms)].map(([, commands = '']) => commands);

const run = async (commands: string): Promise<string> => {
  // Without `--norc` a bash with a socket for its input may read start files, as one that `rshd` started.
  const running = promisify(execFile)('bash', ['--norc', '-euo', 'pipefail', '-c', commands], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 ** 2,
    env: {
      ...process.env,
      ...environment,
      // The CDK's command line then prints to the standard output.
      CI: 'true',
      PATH: [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
      CDK_APP: assembly,
      URL: url,
      TOKEN: tokens.tenant,
      OPERATOR: tokens.operator,
      WEBHOOK_SECRET: webhookSecret,
      IMAGE: 'placeholder',
    },
  });
  running.child.stdin?.end();
  return (await running).stdout;
};

const STACKS = ['Data', 'Fleet', 'Observability', 'Steps', 'Workflows', 'ApiFunctions', 'Api'];

/** What each block is about, in the guide's order, and what it prints when all went well; a command that fails ends its block. */
const EXPECTED: readonly { about: string; printed: readonly RegExp[] }[] = [
  {
    about: 'cdk diff',
    printed: STACKS.flatMap((id) => [new RegExp(`^${id}\\b`, 'm'), new RegExp(`^Stack ${id}\\b`, 'm')]),
  },
  { about: '/v1/health', printed: [/"status":"ok"/] },
  { about: '/v1/billing/webhook', printed: [/"eventId":"evt_first"/] },
  { about: '/v1/fleet/tiers/standard', printed: [/"maxInstances":2/, /"state":"ACTIVE"/] },
  { about: '/v1/graphs', printed: [/"subscriptionId":"sub_first"[^}]*"plan":"starter"/, /"operationId":"op_/] },
  // The same again, of every stack.
  { about: 'cdk deploy', printed: [new RegExp(`(\\(no changes\\)[^]*){${STACKS.length}}`)] },
  { about: '/v1/fleet/pause', printed: [/"reason":"upgrade".*\[\]$/s] },
  { about: '--dry-run', printed: [/^1\. inst\S*: /m] },
  { about: '/v1/audit', printed: [/"action":"PUT \/v1\/fleet\/pause"/, /"kind":"graph.create"/] },
];

describe('the operations guide', () => {
  test('has the commands that are expected of it', () => {
    expect(blocks).toEqual(EXPECTED.map(({ about }) => expect.stringContaining(about)));
  });

  test.each(EXPECTED.map((expected, at) => ({ ...expected, commands: blocks[at] ?? '' })))(
    'can be followed: $about',
    async ({ commands, printed }) => {
      const output = await run(commands);
      for (const line of printed) expect(output).toMatch(line);
    },
  );
});
