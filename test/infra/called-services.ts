import { build } from 'esbuild';
import { FUNCTIONS, type FunctionDefinition } from '../../contract/functions.ts';
import { FUNCTION_BUNDLING } from '../../lib/service/function-code.ts';
import { NATIVE_PACKAGES } from '../../tools/instance-bundle.ts';

/** The SDK's, and ours of services that are called without it. */
const CLIENT = /node_modules\/@aws-sdk\/client-([a-z-]+)\/|domain\/aws\/(s3|secrets-manager)(?:-client)?\.ts/;
/** The service behind a client, as its endpoint is named. */
const SERVICES: Readonly<Record<string, string>> = { dynamodb: 'dynamodb', ecs: 'ecs', s3: 's3', sfn: 'states' };
/** What ECS calls in the name of a task: the image with its layers, and the log. */
const OF_ECS = ['ecr.api', 'ecr.dkr', 's3', 'logs'];

/** The services of AWS that are called from the network of instances: those whose clients are in what runs there. */
export const calledServices = async (): Promise<string[]> => {
  const functions = Object.entries<FunctionDefinition>(FUNCTIONS).filter(
    ([, { reachesInstances }]) => reachesInstances,
  );
  const { metafile } = await build({
    ...FUNCTION_BUNDLING,
    entryPoints: ['instance/main.ts', ...functions.map(([name, { folder }]) => `functions/${folder}/${name}.ts`)],
    write: false,
    metafile: true,
    outdir: '/not-written',
    external: [...FUNCTION_BUNDLING.external, ...NATIVE_PACKAGES],
  });
  const clients = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => {
      const [, theirs, ours] = CLIENT.exec(file) ?? [];
      return bytesInOutput > 0 ? (theirs ?? ours ?? []) : [];
    }),
  );
  const services = clients.map((client) => {
    const service = SERVICES[client];
    if (service === undefined) throw new Error(`Which endpoint serves the client of "${client}"?`);
    return service;
  });
  return [...new Set([...services, ...OF_ECS])].sort();
};
