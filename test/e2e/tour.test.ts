import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIRST_CALLS, tour } from '../../local/tour.ts';
import { ownTarget } from './target.ts';

/** The tour is some dozens of processes and operations, one after another. */
const PATIENCE_MS = 240_000;

type Step = { call: string; answer: string; language: string };

const textOf = (document: string) => readFile(new URL(`../../${document}`, import.meta.url), 'utf8');
/** The README begins it, and another document goes on in the same shell. */
const TOUR = [/^## Tour\n(.*?)^## /ms.exec(await textOf('README.md'))?.[1] ?? '', await textOf('docs/tour.md')];
const target = ownTarget();
let directory: string;

/** A newcomer's directory: the runtime has described itself in it. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'graphfleet-tour-'));
  await mkdir(join(directory, '.graphfleet'));
  await writeFile(join(directory, '.graphfleet', 'runtime.json'), JSON.stringify(target));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** The tour's calls, each with the answer block that follows it, if one does. The start itself is the target's. */
const stepsOf = (tourText: string): Step[] => {
  const steps: Step[] = [];
  for (const [, language = '', content = ''] of tourText.matchAll(/^```(\w+)\n(.*?)\n```$/gms)) {
    const last = steps.at(-1);
    if (language === 'bash') steps.push({ call: content, answer: '', language: 'text' });
    else if (last !== undefined) Object.assign(last, { answer: content, language });
  }
  return steps.filter(({ call }) => !call.includes('npm start'));
};

/** What each call prints, in one shell, so that a variable that one sets is there for the next. */
const outputsOf = async (calls: readonly string[]): Promise<string[]> => {
  const script = calls.map((call) => `${call}\nprintf '\\0'\n`).join('');
  // Without `--norc` a bash with a socket for its input may read start files, as one that `rshd` started.
  const options = { cwd: directory, timeout: PATIENCE_MS };
  const running = promisify(execFile)('bash', ['--norc', '-c', script], options);
  running.child.stdin?.end();
  const { stdout } = await running;
  return stdout.split('\0').slice(0, -1);
};

/** A text with placeholders for what differs from run to run, and from one HTTP version to another. */
const comparable = (text: string, language: string): string =>
  (language === 'json' ? JSON.stringify(JSON.parse(text), null, 2) : text)
    .replaceAll('\r', '')
    .replaceAll(/op_[0-9A-Z]{26}/g, '<operation>')
    .replaceAll(/kg[0-9a-z]{26}/g, '<graph>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/sha256:[0-9a-f]{64}/g, '<image>')
    .replaceAll(/("durationMs": ?)[\d.]+/g, '$1<duration>')
    .replaceAll(/^HTTP\/[\d.]+ (\d+).*$/gm, 'HTTP $1')
    .trim();

/** The tour is for people with a shell and curl; where they are missing the rest of the suite still runs. */
const HAS_CURL = ['bash', 'curl'].every((command) => spawnSync(command, ['--version']).status === 0);

describe.runIf(HAS_CURL)('the tour of the README', () => {
  const steps = TOUR.flatMap(stepsOf);
  let outputs: string[];

  beforeAll(async () => {
    outputs = await outputsOf(steps.map(({ call }) => call));
  }, PATIENCE_MS);

  test('was found', () => {
    expect(steps.filter(({ answer }) => answer !== '').length).toBeGreaterThanOrEqual(7);
  });

  test.each(steps.map((step, at) => ({ ...step, at, begins: step.call.split('\n', 1)[0] })))(
    'answers as it says: $begins …',
    ({ answer, language, at }) => {
      expect(comparable(outputs[at] ?? '', language)).toBe(comparable(answer, language));
    },
  );
});

describe.runIf(HAS_CURL)('what npm start prints', () => {
  test('is in the README word for word', () => {
    for (const { call } of FIRST_CALLS) expect(stepsOf(TOUR[0] ?? '').map((step) => step.call)).toContain(call);
  });

  test('works as it is printed', async () => {
    // What a newcomer copies is indented.
    const commands = tour(target)
      .split('\n')
      .filter((line) => line.startsWith('  '));
    const [output = ''] = await outputsOf([commands.join('\n')]);
    expect(output).toContain('"status":"accepted"');
    expect(output).toContain('event: succeeded\n');
    expect(output).toContain('["acme","1949-03-01",1234.5]');
  });
});
