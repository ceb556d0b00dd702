import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  costOf,
  listingsOnly,
  recordedBetween,
  sumOfUsage,
  times,
  usageOf,
  watchedApart,
  withoutBackground,
} from '../../bench/price/cost.ts';
import { ASSUMPTIONS, PRICE_LIST } from '../../bench/price/price-list.ts';
import { priceReport } from '../../bench/price/price-report.ts';
import type { RecordedCall } from '../../local/recording/recorded-call.ts';

const call = (own: Partial<RecordedCall>): RecordedCall => ({
  role: 'function/take-slot',
  action: 'dynamodb:GetItem',
  resource: 'table',
  calls: 1,
  refused: 0,
  units: 0,
  milliseconds: 0,
  ...own,
});

/** Whatever a recording can have: each of its calls once. */
const recording = fc.uniqueArray(
  fc.record({
    role: fc.constantFrom(
      'function/take-slot',
      'function/list-events',
      'function/watch-instances',
      'service/apigateway',
      'instance',
    ),
    action: fc.constantFrom(
      'transition',
      'states:StartExecution',
      'lambda:InvokeFunction',
      'dynamodb:GetItem',
      'dynamodb:UpdateItem',
      's3:PutObject',
      's3:GetObject',
      's3:ListBucket',
      'ecs:DescribeServices',
    ),
    resource: fc.constantFrom(
      'table',
      'function/create-graph',
      'function/authorize',
      'function/list-events',
      'bucket/graphs/*',
    ),
    calls: fc.integer({ min: 1, max: 50 }),
    refused: fc.constant(0),
    units: fc.integer({ min: 0, max: 100 }),
    milliseconds: fc.integer({ min: 0, max: 5_000 }),
  }),
  { selector: ({ role, action, resource }) => `${role} ${action} ${resource}` },
);
const { prices } = PRICE_LIST;
const dollars = (calls: readonly RecordedCall[]) => costOf(usageOf(calls), prices);
const plus = (one: RecordedCall, by: RecordedCall): RecordedCall => ({
  ...one,
  calls: one.calls + by.calls,
  units: one.units + by.units,
  milliseconds: one.milliseconds + by.milliseconds,
});

describe('the price of recorded calls', () => {
  test('is what the price list says, thing by thing', () => {
    const provision = [
      call({ role: 'machine/provision-graph', action: 'transition', calls: 3 }),
      call({ role: 'function/create-graph', action: 'states:StartExecution' }),
      call({
        role: 'service/apigateway',
        action: 'lambda:InvokeFunction',
        resource: 'function/create-graph',
        milliseconds: 99,
      }),
      call({
        role: 'service/apigateway',
        action: 'lambda:InvokeFunction',
        resource: 'function/authorize',
        milliseconds: 9,
      }),
      call({ calls: 4, units: 2.5 }),
      call({ action: 'dynamodb:UpdateItem', calls: 4, units: 12 }),
      call({ role: 'instance', action: 's3:PutObject', resource: 'bucket/graphs/*', calls: 2 }),
      call({ role: 'instance', action: 's3:GetObject', resource: 'bucket/graphs/*', calls: 3 }),
    ];
    expect(usageOf(provision)).toEqual({
      transition: 3 + ASSUMPTIONS.transitionsOfExecution,
      functionCall: 2,
      // 100 ms and 10 ms, rounded up, of half a gigabyte.
      gigabyteSecond: 0.055,
      readUnit: 2.5,
      writeUnit: 12,
      apiCall: 1,
      inspectedCall: 1,
      objectWrite: 2,
      objectRead: 3,
      logGigabyte: 2_300 / 1e9,
      trace: 0.05,
    });
    // Worked out by hand, in millionths of a dollar.
    const byHand =
      5 * 25 + 2 * 0.2 + 0.055 * 13.3334 + 2.5 * 0.125 + 12 * 0.625 + 3.5 + 0.6 + 2 * 5 + 3 * 0.4 + 1.15 + 0.25;
    expect(dollars(provision) * 1e6).toBeCloseTo(byHand, 6);
  });

  test('of two recordings is the sum of both, in any order, and grows with how often', () => {
    fc.assert(
      fc.property(recording, recording, fc.integer({ min: 0, max: 9 }), (one, other, factor) => {
        expect(dollars([...one, ...other])).toBeCloseTo(dollars(one) + dollars(other), 12);
        expect(dollars(one.toReversed())).toBeCloseTo(dollars(one), 12);
        expect(costOf(times(usageOf(one), factor), prices)).toBeCloseTo(factor * dollars(one), 12);
        expect(costOf(sumOfUsage([usageOf(one), usageOf(other)]), prices)).toBeCloseTo(dollars([...one, ...other]), 12);
        expect(dollars([])).toBe(0);
      }),
    );
  });
});

describe('what is recorded', () => {
  test('in a span is what is more at its end than at its beginning', () => {
    fc.assert(
      fc.property(recording, recording, (before, meanwhile) => {
        const same = (one: RecordedCall) => (other: RecordedCall) =>
          one.role === other.role && one.action === other.action && one.resource === other.resource;
        const after = [
          ...before.map((one) => meanwhile.filter(same(one)).reduce(plus, one)),
          ...meanwhile.filter((one) => !before.some(same(one))),
        ];
        expect(dollars(recordedBetween(before, after))).toBeCloseTo(dollars(meanwhile), 12);
      }),
    );
  });

  test('of the background is never more than there is, and all of it in the share of the time', () => {
    fc.assert(
      fc.property(recording, recording, fc.double({ min: 0, max: 3, noNaN: true }), (calls, idle, share) => {
        const net = withoutBackground(calls, idle, share);
        for (const { calls: count, units, milliseconds } of net)
          expect(Math.min(count, units, milliseconds)).toBeGreaterThanOrEqual(0);
        expect(dollars(net)).toBeLessThanOrEqual(dollars(calls) + 1e-12);
        expect(dollars(withoutBackground(calls, calls, 1))).toBe(0);
      }),
    );
    const [beat] = withoutBackground([call({ calls: 10, units: 20 })], [call({ calls: 8, units: 16 })], 0.5);
    expect(beat).toMatchObject({ calls: 6, units: 12 });
  });

  test('by schedule is left out; what the end of an execution calls is not', () => {
    const invoked = (name: string) =>
      call({ role: 'service/events', action: 'lambda:InvokeFunction', resource: `function/${name}` });
    const calls = [
      invoked('watch-instances'),
      call({ role: 'function/watch-instances' }),
      invoked('settle-operation'),
      call({ role: 'function/settle-operation' }),
      call({}),
    ];
    expect(withoutBackground(calls, [], 1)).toEqual(calls.slice(2));
  });

  test('is an operation or following it, and nothing twice', () => {
    fc.assert(
      fc.property(recording, (calls) => {
        const { own, watching } = watchedApart(calls);
        expect(own.length + watching.length).toBe(calls.length);
        for (const one of calls) expect(watching.includes(one)).toBe(/list-events/.test(`${one.role} ${one.resource}`));
      }),
    );
  });

  test('has a listing only where more was listed than read', () => {
    const listed = (calls: number) => call({ action: 's3:ListBucket', resource: 'bucket', calls });
    const read = call({ action: 's3:GetObject', resource: 'bucket/graphs/*', calls: 3 });
    expect(listingsOnly([read, listed(3)])).toEqual([read, listed(0)]);
    expect(listingsOnly([read, listed(5)])).toEqual([read, listed(2)]);
    expect(listingsOnly([listed(5)])).toEqual([listed(5)]);
  });
});

describe('the report', () => {
  const idle = { kind: 'idle', runs: 1, seconds: 10, calls: [] };
  const reportOf = (transitions: number, writeUnits = 0) =>
    priceReport({
      idle,
      machine: 'a machine',
      recorded: [
        {
          kind: 'graph.create',
          runs: 2,
          seconds: 5,
          calls: [
            call({ action: 'transition', calls: transitions }),
            call({ action: 'dynamodb:PutItem', units: writeUnits }),
          ],
        },
      ],
    });

  test('says whether the aim is reached, of transitions and of dollars', () => {
    expect(reportOf(10)).toContain('Reached: 5 transitions, $125 a million');
    expect(reportOf(20)).toContain('Not reached: 10 transitions');
    expect(reportOf(10, 400)).toContain('Not reached: 5 transitions, $250 a million');
  });

  test('has the mean of the runs', () => {
    expect(reportOf(10, 40)).toContain('| graph.create | 5 | 0 | 0 | 0.0 | 20.0 |');
  });
});
