import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const REQUIRE_FOR_COMMON_JS =
  "import { createRequire as createBundleRequire } from 'node:module';const require = createBundleRequire(import.meta.url);";

/** The graph instance as the working tree has it, in one file; the packages with native parts stay outside. */
export const bundleInstance = async (): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'instance/main.ts')],
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
  return bundle.text;
};

/** `node local/instance-bundle.ts <file>`: for the image; see instance/Dockerfile. */
if (import.meta.main) await writeFile(process.argv[2] ?? 'instance.mjs', await bundleInstance());
