import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FUNCTIONS } from '../../contract/functions.ts';

const ROOT = normalize(join(import.meta.dirname, '../..'));

/** Which folders a folder may import; the table in docs/architecture.md says why. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  domain: [],
  contract: ['domain'],
  statemachines: ['contract', 'domain'],
  functions: ['contract', 'domain'],
  instance: ['contract', 'domain'],
  tools: [],
  lib: ['contract', 'domain', 'tools'],
  bin: ['lib'],
  client: ['contract'],
  local: ['contract', 'domain', 'functions', 'instance', 'statemachines', 'tools'],
};

/** The same for the folders of `functions` that handlers share. A handler may import any of them, and nothing imports a handler. */
const SHARED_BY_HANDLERS: Record<string, readonly string[]> = {
  telemetry: [],
  requests: [],
  access: [],
  wiring: ['requests', 'telemetry'],
  pipeline: ['requests', 'telemetry', 'wiring'],
  views: ['pipeline', 'telemetry'],
  afterwards: ['telemetry', 'wiring'],
  refresh: ['afterwards', 'wiring'],
};

/** Packages that only some files may import: the rest knows a port, not the service behind it. */
const PACKAGES: readonly { package: RegExp; allowedIn: RegExp }[] = [
  {
    package: /^@aws-sdk\//,
    allowedIn: /^(domain\/aws\/|domain\/.*\/(dynamo|s3|ecs|step-functions)-|instance\/jobs\/task-reporter|local\/)/,
  },
  { package: /^@ladybugdb\//, allowedIn: /^instance\/database\// },
  { package: /^esbuild$/, allowedIn: /^(tools\/|lib\/service\/function-code)/ },
  { package: /^(aws-cdk-lib|constructs|cdk-nag)/, allowedIn: /^(lib|bin)\// },
  { package: /^@middy\//, allowedIn: /^functions\/pipeline\// },
  { package: /^@aws-lambda-powertools\//, allowedIn: /^(functions\/telemetry\/|instance\/logger)/ },
  { package: /^(dynalite|jsonata)$/, allowedIn: /^local\// },
];

type Import = { file: string; specifier: string };

const imports: Import[] = Object.keys(MAY_IMPORT)
  .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }))
  .flatMap((file) =>
    [
      ...readFileSync(join(ROOT, file), 'utf8').matchAll(
        /^(?:import|export)\b[^;'"]*?['"]([^'"]+)['"]|import\('([^']+)'\)/gm,
      ),
    ].map(([, statically, dynamically]) => ({ file, specifier: statically ?? dynamically ?? '' })),
  );

const folderOf = (path: string) => path.split('/')[0] ?? '';
const targetOf = ({ file, specifier }: Import) => normalize(join(dirname(file), specifier));
const isLocal = ({ specifier }: Import) => specifier.startsWith('.');

describe('imports point one way', () => {
  test('there are imports to check', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  test.each(Object.entries(MAY_IMPORT))('%s imports %j only', (folder, allowed) => {
    const wrong = imports
      .filter((found) => folderOf(found.file) === folder && isLocal(found))
      .filter((found) => ![folder, ...allowed].includes(folderOf(targetOf(found))));
    expect(wrong).toEqual([]);
  });

  test.each(Object.entries(SHARED_BY_HANDLERS))('functions/%s imports of functions %j only', (folder, allowed) => {
    const within = imports.filter((found) => found.file.startsWith(`functions/${folder}/`) && isLocal(found));
    expect(within.length).toBeGreaterThan(0);
    const targets = within.map(targetOf).filter((target) => folderOf(target) === 'functions');
    expect(targets.filter((target) => ![folder, ...allowed].includes(target.split('/')[1] ?? ''))).toEqual([]);
  });

  test('the files of functions are handlers, each where its row says, and what handlers share', () => {
    const handlers = Object.entries(FUNCTIONS).map(([name, { folder }]) => `functions/${folder}/${name}.ts`);
    const shared = Object.keys(SHARED_BY_HANDLERS).flatMap((folder) =>
      globSync(`functions/${folder}/*.ts`, { cwd: ROOT }),
    );
    expect(globSync('functions/**/*.*', { cwd: ROOT }).sort()).toEqual([...handlers, ...shared].sort());
    expect(imports.filter((found) => isLocal(found) && handlers.includes(targetOf(found)))).toEqual([]);
    // As entries of knip's, they could export what nobody uses.
    const exported = handlers.flatMap((file) => readFileSync(join(ROOT, file), 'utf8').match(/^export .*/gm));
    expect(exported.filter((line) => !line?.startsWith('export const handler = '))).toEqual([]);
  });

  test('lib reads of the domain only what the table, the tiers, the uploads, the workflows and what is measured of them are called, and how large loads are', () => {
    const wrong = imports
      .filter((found) => folderOf(found.file) === 'lib' && isLocal(found) && folderOf(targetOf(found)) === 'domain')
      .filter(
        (found) =>
          !/^domain\/(control-table|fleet\/(tier|instance)|snapshot\/object-store|table\/(uploads|table-limits)|operation\/(operation|workflows))\.ts$/.test(
            targetOf(found),
          ),
      );
    expect(wrong).toEqual([]);
  });

  test.each(PACKAGES)('$package is imported where it belongs', ({ package: name, allowedIn }) => {
    const wrong = imports.filter(({ file, specifier }) => name.test(specifier) && !allowedIn.test(file));
    expect(wrong).toEqual([]);
  });
});
