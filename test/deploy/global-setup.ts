import type { TestProject } from 'vitest/node';
import { cdkEnvironment, deploy, describeDeployment, furnish, putWebhookSecret } from './deployment.ts';
import { startEmulation } from './emulation.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** How the tests reach what is deployed; by `synthesizing` the CDK takes the working tree, as it is then. */
    deployed: {
      endpoint: string;
      environment: Record<string, string>;
      synthesizing: Record<string, string>;
      assembly: string;
    };
  }
}

/**
 * Deploys every stack to an emulator, and makes of it what the end-to-end tests call. The assembly is that of
 * `GRAPHFLEET_ASSEMBLY`, a directory of `cdk synth` of the dev stage, or else is synthesized, which takes a minute.
 */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const emulation = await startEmulation();
  try {
    const begun = Date.now();
    const assembly = await deploy(emulation, process.env['GRAPHFLEET_ASSEMBLY']);
    process.stdout.write(`Deployed in ${Math.round((Date.now() - begun) / 1_000)} s.\n`);
    await describeDeployment(emulation);
    await putWebhookSecret(emulation);
    await furnish(emulation);
    const { url, tokens, directory, miniStack } = emulation;
    project.provide('targets', [{ url, tokens, dataDirectory: directory }]);
    project.provide('deployed', {
      endpoint: miniStack.endpoint,
      environment: { ...miniStack.environment },
      synthesizing: cdkEnvironment(emulation),
      assembly,
    });
  } catch (error) {
    await emulation.stop();
    throw error;
  }
  return () => emulation.stop();
};
