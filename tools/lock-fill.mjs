#!/usr/bin/env node
/**
 * Adds to a lock file the optional platform packages that the registry in reach does not hold. `npm install` drops
 * them from the lock, and then `npm ci` refuses it ("Missing: … from lock file"). Run it after every `npm install`:
 *
 *     node tools/lock-fill.mjs package-lock.json
 *
 * An entry has the version that the parent names, and the system, processor and C library that its name tells: enough
 * for npm to know that it is not for this machine. It has no checksum, because nothing was fetched.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['darwin', 'win32', 'linux', 'freebsd', 'android', 'openharmony', 'aix', 'sunos', 'netbsd', 'openbsd'];
const PROCESSORS = ['x64', 'arm64', 'ia32', 'arm', 'ppc64', 's390x', 'riscv64', 'loong64', 'mips64el'];

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;

/** Whether a package that is installed at `parent` finds `name`, as Node looks for it: there, and in each folder above. */
const isFound = (name, parent) => {
  for (let folder = parent; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
  }
};

/** The entry of a package of which only the name and the version are known. */
const entryOf = (name, version, { dev }) => {
  const words = name.split(/[-/]/);
  const system = SYSTEMS.find((word) => words.includes(word)) ?? (words.includes('windows') ? 'win32' : undefined);
  const processor = PROCESSORS.find((word) => words.includes(word));
  const isMusl = words.includes('musl') || words.includes('musleabihf');
  return {
    version,
    ...(processor !== undefined && { cpu: [processor] }),
    ...(dev && { dev: true }),
    ...(isMusl && { libc: ['musl'] }),
    optional: true,
    ...(system !== undefined && { os: [system] }),
  };
};

let added = 0;
for (const [parent, definition] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(definition.optionalDependencies ?? {})) {
    if (isFound(name, parent)) continue;
    if (!/^\d/.test(version)) {
      console.error(`Left out, its version is not exact: ${name} ${version}`);
      continue;
    }
    packages[`node_modules/${name}`] = entryOf(name, version, definition);
    added += 1;
  }
}

const byPath = ([left], [right]) => (left < right ? -1 : 1);
lock.packages = Object.fromEntries(Object.entries(packages).sort(byPath));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`Added ${added}.`);
