import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageStore } from './ecs/image-store.ts';
import { bundleInstance } from './instance-bundle.ts';

const ROOT = join(import.meta.dirname, '..');
/** What can not be in a bundle: their packages are taken from `node_modules`, and their versions are part of the image. */
const NATIVE_PACKAGES = ['@duckdb/node-api', '@ladybugdb/core'];

/** The images of instances in a data directory: what ECR is on AWS. */
export const instanceImages = (dataDirectory: string): ImageStore =>
  new ImageStore(join(dataDirectory, 'ecs', 'images'), join(ROOT, 'node_modules'));

/**
 * Publishes the instance as the working tree has it.
 * @param label makes an image of its own out of an unchanged tree
 * @returns the image's digest, the same for the same tree and label
 */
export const publishInstanceImage = async (images: ImageStore, label?: string): Promise<string> => {
  const bundle = await bundleInstance();
  const about = { native: NATIVE_PACKAGES.map(versionOf), ...(label !== undefined && { label }) };
  return images.put(`${bundle}// ${JSON.stringify(about)}\n`);
};

const versionOf = (name: string): string => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${name}@${version}`;
};
