import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleInstance, NATIVE_PACKAGES } from '../tools/instance-bundle.ts';
import { ImageStore } from './ecs/image-store.ts';

const ROOT = join(import.meta.dirname, '..');

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
  // Native packages are taken from `node_modules`; another version of them is another image.
  const about = { native: NATIVE_PACKAGES.map(versionOf), ...(label !== undefined && { label }) };
  return images.put(`${bundle}// ${JSON.stringify(about)}\n`);
};

const versionOf = (name: string): string => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${name}@${version}`;
};
