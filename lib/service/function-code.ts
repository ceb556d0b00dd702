import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { type BuildOptions, buildSync } from 'esbuild';
import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import { BUNDLING } from '../../tools/bundling.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What the SDK loads only when it is needed, and here never is: Lambda gives a function its credentials in variables, and
 * no call of ours streams events.
 */
const NEVER_LOADED = [
  ...['http', 'ini', 'login', 'process', 'sso', 'web-identity'].map((way) => `@aws-sdk/credential-provider-${way}`),
  '@smithy/credential-provider-imds',
  '@smithy/core/event-streams',
];

/** How functions are bundled. */
export const FUNCTION_BUNDLING = { ...BUNDLING, minify: true, external: NEVER_LOADED } as const satisfies BuildOptions;

const bundleAll = (): ReadonlyMap<string, Uint8Array> => {
  const { outputFiles } = buildSync({
    ...FUNCTION_BUNDLING,
    entryPoints: Object.entries(FUNCTIONS).map(([name, { folder }]) => ({
      in: `functions/${folder}/${name}.ts`,
      out: `${name}/index`,
    })),
    outdir: join(PROJECT, 'bundles'), // nothing is written there
    outExtension: { '.js': '.mjs' },
    write: false,
  });
  return new Map(outputFiles.map(({ path, contents }) => [basename(dirname(path)), contents]));
};
let bundles: ReturnType<typeof bundleAll> | undefined;

/**
 * The code of a function: one file, `index.mjs`. All of them are bundled in one run of esbuild, with the first; CDK's
 * NodejsFunction starts npm for each, a minute and more for all.
 */
export const codeOf = (name: FunctionName): Code =>
  Code.fromAsset(PROJECT, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK asks for an image, and tells assets apart by the command. Neither is used: what follows succeeds, or throws.
      image: DockerImage.fromRegistry('scratch'),
      command: [name],
      local: {
        tryBundle(outputDirectory) {
          bundles ??= bundleAll();
          const bundle = bundles.get(name);
          if (bundle === undefined) throw new Error(`esbuild made no bundle of the function ${name}.`);
          writeFileSync(join(outputDirectory, 'index.mjs'), bundle);
          return true;
        },
      },
    },
  });
