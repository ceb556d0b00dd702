import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = normalize(join(import.meta.dirname, '../..'));

/** Which folders a folder may import; the table in docs/architecture.md says why. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  domain: [],
  contract: ['domain'],
  statemachines: ['contract', 'domain'],
  functions: ['contract', 'domain'],
  instance: ['contract', 'domain'],
  lib: ['contract', 'domain'],
  bin: ['lib'],
  client: ['contract'],
  local: ['contract', 'domain', 'functions', 'instance', 'statemachines'],
};

/** Packages that only some files may import: the rest knows a port, not the service behind it. */
const PACKAGES: readonly { package: RegExp; allowedIn: RegExp }[] = [
  {
    package: /^@aws-sdk\//,
    allowedIn: /^(domain\/aws\/|domain\/.*\/(dynamo|s3|ecs|step-functions)-|instance\/jobs\/task-reporter|local\/)/,
  },
  { package: /^@ladybugdb\//, allowedIn: /^instance\/database\// },
  { package: /^(aws-cdk-lib|constructs|cdk-nag)/, allowedIn: /^(lib|bin)\// },
  { package: /^(@middy\/|@aws-lambda-powertools\/)/, allowedIn: /^(functions\/pipeline\/|instance\/logger)/ },
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

  test('lib reads of the domain only what the table, the tiers, the uploads, the workflows and what is measured of them are called', () => {
    const wrong = imports
      .filter((found) => folderOf(found.file) === 'lib' && isLocal(found) && folderOf(targetOf(found)) === 'domain')
      .filter(
        (found) =>
          !/^domain\/(control-table|fleet\/(tier|instance)|table\/uploads|operation\/(operation|workflows))\.ts$/.test(
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
