import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ROUTES } from '../../contract/api/routes.ts';

const PROJECT = new URL('../../', import.meta.url).pathname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: PROJECT })
  .toString()
  .split('\n')
  .filter((file) => file !== '');
const documents = tracked.filter((file) => file.endsWith('.md'));
const folders = new Set(tracked.flatMap((file) => (file.includes('/') ? [file.split('/')[0]] : [])));

const textOf = (document: string) => readFileSync(join(PROJECT, document), 'utf8');
/** Text in back ticks, and links to files; none of blocks of code. */
const quotedIn = (text: string) =>
  Array.from(text.replaceAll(/^( *)```.*?^\1```/gms, '').matchAll(/`([^`\n]+)`/g), ([, quoted = '']) => quoted);
const linkedIn = (text: string) => Array.from(text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g), ([, link = '']) => link);

test.each(documents)('%s names files that there are', (document) => {
  const text = textOf(document);
  const paths = quotedIn(text)
    .filter((quoted) => /^[\w.-]+\/[\w./*{},<>-]*$/.test(quoted) && folders.has(quoted.split('/')[0]))
    .map((quoted) => quoted.replaceAll(/<[^>]*>/g, '*'));
  const linked = linkedIn(text).map((link) => join(dirname(document), link));
  const missing = [...paths, ...linked].filter((path) => globSync(path, { cwd: PROJECT }).length === 0);
  expect(missing).toEqual([]);
});

/** A segment of a path stands for a parameter when it is one, a placeholder, a variable of the shell, or a value. */
const isRoute = (method: string, path: string): boolean =>
  ROUTES.some((route) => {
    const [expected, asked] = [route.path, path].map((one) => one.split('/'));
    return (
      route.method === method &&
      expected?.length === asked?.length &&
      expected?.every((segment, at) => segment === asked?.[at] || segment.startsWith('{'))
    );
  });

test.each(documents)('%s names routes that there are', (document) => {
  const named = Array.from(
    textOf(document).matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/v1\/[^\s`?"',;)\\]*)/g),
    ([, method = '', path = '']) => ({ method, path: path.replace(/\.+$/, '') }),
  ).filter(({ path }) => !path.includes('…'));
  expect(named.filter(({ method, path }) => !isRoute(method, path))).toEqual([]);
});
