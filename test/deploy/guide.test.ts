import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const GUIDE = await readFile(join(ROOT, 'docs/operations.md'), 'utf8');
/** What the API answers with when it refuses. */
const PROBLEM = 'urn:graphfleet:problem';

const { environment, assembly } = inject('deployed');
const { url, tokens } = inject('target');

/** The commands that the guide says can be tried: its blocks in `bash`; those in `sh` need an account. */
const blocks = [...GUIDE.matchAll(/^```bash\n(.*?)\n```$/gms)].map(([, commands = '']) => commands);

const run = async (commands: string): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 ** 2,
    env: {
      ...process.env,
      ...environment,
      PATH: [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
      CDK_APP: assembly,
      URL: url,
      TOKEN: tokens.tenant,
      OPERATOR: tokens.operator,
    },
  });
  return stdout + stderr;
};

describe('the operations guide', () => {
  test('has commands to try', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(7);
  });

  test.each(blocks.map((commands) => [commands.split('\n', 1)[0], commands] as const))(
    'can be followed: %s …',
    async (_first, commands) => {
      const printed = await run(commands);
      expect(printed).not.toContain(PROBLEM);
      // A deploy of the same again.
      if (commands.startsWith('npx cdk deploy')) {
        expect(printed.match(/\(no changes\)/g)).toHaveLength(await stackCount());
      }
    },
  );
});

const stackCount = async (): Promise<number> => {
  const { artifacts } = JSON.parse(await readFile(join(assembly, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { type: string }>;
  };
  return Object.values(artifacts).filter(({ type }) => type === 'aws:cloudformation:stack').length;
};
