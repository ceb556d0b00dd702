import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { deploy, describeDeployment, furnish } from './deployment.ts';
import { startEmulation } from './emulation.ts';

const USAGE = `Usage: npm run emulator [-- --assembly <directory of cdk synth>]

Deploys the dev stage to an emulator of AWS on this machine, and keeps it until Ctrl-C.
`;

const [option, assembly, ...more] = process.argv.slice(2);
if ((option !== undefined && (option !== '--assembly' || assembly === undefined)) || more.length > 0) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const DIRECTORY = resolve('.graphfleet-emulator');

print('Starting the emulator …');
const emulation = await startEmulation({ port: 4566 });
const stop = async () => {
  await emulation.stop();
  await rm(DIRECTORY, { recursive: true, force: true });
  process.exit();
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
try {
  print('Deploying every stack …');
  const adapted = await deploy(emulation, assembly);
  await describeDeployment(emulation);
  await furnish(emulation);
  const { url, tokens, webhookSecret, miniStack } = emulation;
  const variables = {
    ...miniStack.environment,
    // The command line of the CDK takes the assembly as it was deployed.
    CDK_APP: adapted,
    IMAGE: 'placeholder',
    URL: url,
    TOKEN: tokens.tenant,
    OPERATOR: tokens.operator,
    WEBHOOK_SECRET: webhookSecret,
  };
  await mkdir(DIRECTORY, { recursive: true });
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  await writeFile(join(DIRECTORY, 'environment'), `${exports.join('\n')}\n`);
  print(`
Every stack is deployed. In another shell:

  source .graphfleet-emulator/environment
  curl -s "$URL/v1/health"
  npx cdk list

AWS answers at ${miniStack.endpoint} · its log is ${miniStack.logFile} · Ctrl-C stops it, and all is gone.`);
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  await stop();
}
