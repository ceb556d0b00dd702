import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';

const PROJECT = join(import.meta.dirname, '..');
/** Some packages are CommonJS, and call `require` where there is none. */
const REQUIRE_FOR_COMMON_JS =
  "import{createRequire as createBundleRequire}from'node:module';const require=createBundleRequire(import.meta.url);";

/** How a program is made one file that Node runs without `node_modules`: a function, and the instance. */
export const BUNDLING = {
  absWorkingDir: PROJECT,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: { js: REQUIRE_FOR_COMMON_JS },
  logLevel: 'warning',
} as const satisfies BuildOptions;
