import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../../local/step-functions/clock.ts';
import { Expressions } from '../../../local/step-functions/expressions.ts';

const clock = { ...systemClock, now: () => Date.parse('2026-11-21T09:00:00Z') };

const evaluate = (source: string, bindings = {}): Promise<unknown> => {
  const expressions = new Expressions({ clock, random: () => 0.25 });
  expressions.compile(`{% ${source} %}`);
  return expressions.evaluate(`{% ${source} %}`, bindings);
};

test('JSON without expressions is its own value', async () => {
  const expressions = new Expressions({ clock, random: Math.random });
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (value) => {
      expect(JSON.stringify(await expressions.evaluate(value, {}))).toBe(JSON.stringify(value));
    }),
    { examples: [[JSON.parse('{"__proto__": 0}')]] },
  );
});

test('the chunks of $partition are the array again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer()), fc.integer({ min: 1, max: 20 }), async (array, size) => {
      const chunks = (await evaluate('$partition($array, $size)', { array, size })) as number[][];
      expect(chunks.flat()).toEqual(array);
      expect(chunks.slice(0, -1).every(({ length }) => length === size)).toBe(true);
    }),
  );
});

test('$range has the length that its step gives it', async () => {
  const bound = fc.integer({ min: -500, max: 500 });
  const step = fc.integer({ min: -10, max: 10 }).filter((by) => by !== 0);
  await fc.assert(
    fc.asyncProperty(bound, bound, step, async (first, last, by) => {
      fc.pre(Math.abs((last - first) / by) < 1000);
      const numbers = (await evaluate('$range($first, $last, $by)', { first, last, by })) as number[];
      expect(numbers.every((number, n) => number === first + n * by)).toBe(true);
      expect(numbers.length).toBe(Math.max(0, Math.floor((last - first) / by) + 1));
    }),
  );
});

test('time and chance come from outside', async () => {
  expect(await evaluate('$millis()')).toBe(clock.now());
  expect(await evaluate('$now()')).toBe('2026-11-21T09:00:00.000Z');
  expect(await evaluate("$now('[Y]')")).toBe('2026');
  expect(await evaluate('$random()')).toBe(0.25);
});

test.each([
  ['$range(0, 5000, 1)', /at most 1000/],
  ['$range(0, 5, 0)', /step other than 0/],
  ['$partition([1], 0)', /positive whole/],
  ["$hash('a', 'x')", /not 'x'/],
  ["$parse('{')", /JSON/],
  ['function($x){$x}', /returned a function/],
  ['$missing.field', /returned nothing/],
])('%s fails, and says why', async (source, why) => {
  await expect(evaluate(source)).rejects.toThrow(why);
});

test('a value carries no hidden marks of JSONata into the next expression', async () => {
  const one = await evaluate('$list[n > 1]', { list: [{ n: 1 }, { n: 2 }, { n: 3 }] });
  expect(Reflect.ownKeys(Object(one))).toEqual(['0', '1', 'length']);
});
