import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ImageStore } from './ecs/image-store.ts';

const ROOT = join(import.meta.dirname, '..');
const ENTRY = join(ROOT, 'instance/main.ts');
/** What can not be in a bundle: their packages are taken from `node_modules`, and their versions are part of the image. */
const NATIVE_PACKAGES = ['@duckdb/node-api', '@ladybugdb/core'];
const REQUIRE_FOR_COMMON_JS =
  "import { createRequire as createBundleRequire } from 'node:module';const require = createBundleRequire(import.meta.url);";

/** The images of instances in a data directory: what ECR is on AWS. */
export const instanceImages = (dataDirectory: string): ImageStore =>
  new ImageStore(join(dataDirectory, 'ecs', 'images'), join(ROOT, 'node_modules'));

/**
 * Publishes the instance as the working tree has it.
 * @param label makes an image of its own out of an unchanged tree
 * @returns the image's digest, the same for the same tree and label
 */
export const publishInstanceImage = async (images: ImageStore, label?: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    external: ['@duckdb/*', '@ladybugdb/*'],
    banner: { js: REQUIRE_FOR_COMMON_JS },
    logLevel: 'warning',
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error('esbuild made no bundle.');
  const about = { native: NATIVE_PACKAGES.map(versionOf), ...(label !== undefined && { label }) };
  return images.put(`${bundle.text}// ${JSON.stringify(about)}\n`);
};

const versionOf = (name: string): string => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${name}@${version}`;
};
