import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lockDirectory } from '../../local/runtime-lock.ts';
import { cdkEnvironment, deploy, describeDeployment, furnish, putWebhookSecret } from './deployment.ts';
import { type Emulation, startEmulation } from './emulation.ts';

const USAGE = `Usage: npm run emulator [-- --assembly <directory of cdk synth>] [--port <port>] [--bare]

Deploys the dev stage to an emulator of AWS on this machine, and keeps it until Ctrl-C.

  --assembly  deploys that one, as it is; without it, the working tree is synthesized
  --port      of the emulator on 127.0.0.1; the next two are the API's and the token issuer's (default 4566)
  --bare      with no tenant that has bought and no tier that was set: for "The first tenant" of the operations guide
`;

const MOST = 65_533;
const DIRECTORY = resolve('.graphfleet-emulator');

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const optionsOf = (words: readonly string[]) => {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        assembly: { type: 'string' },
        port: { type: 'string', default: '4566' },
        bare: { type: 'boolean', default: false },
      },
    });
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > MOST) throw new Error(`--port ${values.port} is none.`);
    return { ...values, port };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
};

const { assembly, port, bare } = optionsOf(process.argv.slice(2));

let emulation: Emulation | undefined;
let release: (() => Promise<void>) | undefined;
const ending = new AbortController();
const stop = async (code = 0): Promise<never> => {
  ending.abort();
  await emulation?.stop();
  if (release !== undefined) {
    await release();
    await rm(DIRECTORY, { recursive: true, force: true });
  }
  process.exit(code);
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
try {
  print('Starting the emulator …');
  release = await lockDirectory(DIRECTORY).catch((cause: unknown) => {
    throw new Error('An emulator runs in this directory already: stop it first, by Ctrl-C where it runs.', { cause });
  });
  emulation = await startEmulation({ port });
  print('Deploying every stack …');
  await deploy(emulation, assembly);
  await describeDeployment(emulation);
  await putWebhookSecret(emulation);
  if (!bare) await furnish(emulation);
  const { url, tokens, webhookSecret, miniStack } = emulation;
  const variables = {
    ...cdkEnvironment(emulation),
    IMAGE: 'placeholder',
    URL: url,
    TOKEN: tokens.tenant,
    OPERATOR: tokens.operator,
    WEBHOOK_SECRET: webhookSecret,
  };
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(join(DIRECTORY, 'environment'), `${exports.join('\n')}\n`);
  print(`
Every stack is deployed. In another shell:

  source .graphfleet-emulator/environment
  curl -s "$URL/v1/health"
  npx cdk diff --all --context instanceImage=$IMAGE

AWS answers at ${miniStack.endpoint} · its log is ${miniStack.logFile} · Ctrl-C stops it, and all is gone.`);
  await emulation.aliases.keepMoving(ending.signal);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  await stop(1);
}
