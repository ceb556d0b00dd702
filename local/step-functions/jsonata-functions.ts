import { createHash, randomUUID } from 'node:crypto';
import jsonata from 'jsonata';
import type { Clock } from './clock.ts';

/** Where the functions take time and chance from. */
export interface World {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
}

const HASHES = new Map([
  ['MD5', 'md5'],
  ['SHA-1', 'sha1'],
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
]);
const LONGEST_RANGE = 1000;
const formatTime = jsonata('$fromMillis($at, $picture, $timezone)');

const partition = (array: unknown[] | undefined, size: number): unknown[][] | undefined => {
  if (array === undefined) return undefined;
  if (!Number.isInteger(size) || size < 1) throw new Error('$partition needs a positive whole chunk size');
  return Array.from({ length: Math.ceil(array.length / size) }, (_, n) => array.slice(n * size, (n + 1) * size));
};

const range = (first: number, last: number, step: number): number[] => {
  if (![first, last, step].every(Number.isInteger)) throw new Error('$range needs whole numbers');
  if (step === 0) throw new Error('$range needs a step other than 0');
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  if (length > LONGEST_RANGE) throw new Error(`$range makes at most ${LONGEST_RANGE} numbers`);
  return Array.from({ length }, (_, n) => first + n * step);
};

const hash = (text: string | undefined, algorithm: string): string | undefined => {
  const digest = HASHES.get(algorithm);
  if (digest === undefined) throw new Error(`$hash knows ${[...HASHES.keys()].join(', ')}, not '${algorithm}'`);
  return text === undefined ? undefined : createHash(digest).update(text).digest('hex');
};

/** One draw of a small generator (mulberry32): the same seed, the same number; not the number AWS would draw. */
const seededRandom = (seed: number): number => {
  let mixed = (Math.trunc(seed) + 0x6d2b79f5) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

/** Adds the functions that Step Functions has beyond JSONata, and puts `$now` and `$millis` on the given clock. */
export const addStepFunctions = (expression: jsonata.Expression, { clock, random }: World): void => {
  expression.registerFunction('partition', partition, '<an:a>');
  expression.registerFunction('range', range, '<nnn:a>');
  expression.registerFunction('hash', hash, '<ss:s>');
  expression.registerFunction(
    'random',
    (seed?: number) => (seed === undefined ? random() : seededRandom(seed)),
    '<n?:n>',
  );
  expression.registerFunction('uuid', () => randomUUID(), '<:s>');
  expression.registerFunction('parse', (text?: string) => (text === undefined ? undefined : JSON.parse(text)), '<s:x>');
  expression.registerFunction('millis', () => clock.now(), '<:n>');
  expression.registerFunction(
    'now',
    (picture?: string, timezone?: string) => formatTime.evaluate(undefined, { at: clock.now(), picture, timezone }),
    '<s?s?:s>',
  );
};
