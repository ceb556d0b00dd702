import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { BUNDLING } from './bundling.ts';

/** What has native parts and stays outside: a bundle finds it in `node_modules`. */
export const NATIVE_PACKAGES = ['@duckdb/node-api', '@ladybugdb/core'] as const;

/** The graph instance as the working tree has it, in one file. */
export const bundleInstance = async (): Promise<string> => {
  const { outputFiles } = await build({
    ...BUNDLING,
    entryPoints: ['instance/main.ts'],
    write: false,
    external: [...NATIVE_PACKAGES],
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new Error('esbuild made no bundle.');
  return bundle.text;
};

/** What an image needs beside the bundle, for `npm ci` with the lock of the whole project. */
const packageOfImage = (): object => {
  const { dependencies, allowScripts } = JSON.parse(
    readFileSync(join(BUNDLING.absWorkingDir, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'allowScripts', Record<string, unknown>>;
  const native = (entries: Record<string, unknown>) =>
    Object.fromEntries(NATIVE_PACKAGES.flatMap((name) => (name in entries ? [[name, entries[name]]] : [])));
  return { private: true, dependencies: native(dependencies), allowScripts: native(allowScripts) };
};

/** `node tools/instance-bundle.ts <directory>`: what instance/Dockerfile puts into the image. */
if (import.meta.main) {
  const [, , directory] = process.argv;
  if (directory === undefined) throw new Error('Where to? node tools/instance-bundle.ts <directory>');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'instance.mjs'), await bundleInstance());
  await writeFile(join(directory, 'package.json'), JSON.stringify(packageOfImage()));
}
