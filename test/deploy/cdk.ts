import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CDK = fileURLToPath(new URL('../../node_modules/aws-cdk/bin/cdk', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MOST_SHOWN = 5_000;

/**
 * Runs the CDK's command line, as `npx cdk` does.
 * @returns what it printed
 * @throws {Error} it failed; the message has the end of what it printed
 */
export const cdk = async (args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> => {
  const child = spawn(process.execPath, [CDK, ...args], {
    cwd: ROOT,
    env: { ...process.env, CI: 'true', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode === 0) return output;
  throw new Error(`cdk ${args.join(' ')} ended with ${exitCode}:\n${output.slice(-MOST_SHOWN)}`);
};
