import { FUNCTIONS, type FunctionName } from '../../contract/functions.ts';
import type { RecordedCall } from '../../local/recording/recorded-call.ts';
import { ASSUMPTIONS, type Prices } from './price-list.ts';

/** How much of each thing that has a price. */
export type Usage = { readonly [Unit in keyof Prices]: number };

const NONE: Usage = {
  transition: 0,
  functionCall: 0,
  gigabyteSecond: 0,
  readUnit: 0,
  writeUnit: 0,
  apiCall: 0,
  inspectedCall: 0,
  objectWrite: 0,
  objectRead: 0,
  logGigabyte: 0,
  trace: 0,
};

const UNITS = Object.keys(NONE) as (keyof Usage)[];
const mapped = (amount: (unit: keyof Usage) => number): Usage =>
  Object.fromEntries(UNITS.map((unit) => [unit, amount(unit)])) as Usage;

export const sumOfUsage = (usages: readonly Usage[]): Usage =>
  mapped((unit) => usages.reduce((sum, usage) => sum + usage[unit], 0));

export const times = (usage: Usage, factor: number): Usage => mapped((unit) => usage[unit] * factor);

/** In dollars. */
export const costOf = (usage: Usage, prices: Prices): number =>
  UNITS.reduce((sum, unit) => sum + usage[unit] * prices[unit], 0);

const AUTHORIZER = 'function/authorize';

/** What a recording's calls use of what has a price. */
export const usageOf = (calls: readonly RecordedCall[]): Usage => sumOfUsage(calls.map(usageOfCall));

const usageOfCall = ({ role, action, resource, calls, units, milliseconds }: RecordedCall): Usage => {
  const [service] = action.split(':');
  if (action === 'transition') return { ...NONE, transition: calls };
  if (action === 'states:StartExecution') return { ...NONE, transition: calls * ASSUMPTIONS.transitionsOfExecution };
  if (action === 'lambda:InvokeFunction') {
    const isApiCall = role === 'service/apigateway' && resource !== AUTHORIZER;
    const apiCall = isApiCall ? calls : 0;
    // Each call is rounded up to a whole millisecond: one more is the most that can be.
    const seconds = (milliseconds + calls) / 1_000;
    return {
      ...NONE,
      functionCall: calls,
      gigabyteSecond: (seconds * ASSUMPTIONS.functionMegabytes) / 1_024,
      apiCall,
      inspectedCall: apiCall,
      trace: apiCall * ASSUMPTIONS.traced,
      logGigabyte: (calls * ASSUMPTIONS.logBytesOfFunctionCall + apiCall * ASSUMPTIONS.logBytesOfApiCall) / 1e9,
    };
  }
  if (service === 'dynamodb') return { ...NONE, [READS.has(action) ? 'readUnit' : 'writeUnit']: units };
  if (action === 's3:PutObject') return { ...NONE, objectWrite: calls };
  if (action === 's3:GetObject') return { ...NONE, objectRead: calls };
  // Whoever reads is noted with the right to list too: only what is more than that is a listing.
  if (action === 's3:ListBucket') return { ...NONE, objectWrite: calls };
  return NONE;
};

const READS = new Set(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:BatchGetItem', 'dynamodb:Scan']);

type Identified = Pick<RecordedCall, 'role' | 'action' | 'resource' | 'key'>;
const identity = ({ role, action, resource, key }: Identified): string => JSON.stringify([role, action, resource, key]);

/** What was recorded from one moment to another. */
export const recordedBetween = (before: readonly RecordedCall[], after: readonly RecordedCall[]): RecordedCall[] =>
  less(after, new Map(before.map((call) => [identity(call), call])), 1).filter(({ calls }) => calls > 0);

/**
 * Without what goes on when nobody asks for anything: what an idle span has recorded, in proportion to the time, and
 * functions that run by a schedule.
 */
export const withoutBackground = (
  calls: readonly RecordedCall[],
  idle: readonly RecordedCall[],
  share: number,
): RecordedCall[] =>
  less(
    calls.filter(({ role, resource }) => !isScheduled(role) && !isScheduled(resource)),
    new Map(idle.map((call) => [identity(call), call])),
    share,
  );

const less = (
  calls: readonly RecordedCall[],
  others: ReadonlyMap<string, RecordedCall>,
  share: number,
): RecordedCall[] =>
  calls.map((call) => {
    const other = others.get(identity(call));
    if (other === undefined) return call;
    const rest = (of: 'calls' | 'refused' | 'units' | 'milliseconds') => Math.max(0, call[of] - other[of] * share);
    return {
      ...call,
      calls: rest('calls'),
      refused: rest('refused'),
      units: rest('units'),
      milliseconds: rest('milliseconds'),
    };
  });

/** Whether a role, or a function that is called, is one of a schedule; what an execution's end calls belongs to that execution. */
const isScheduled = (name: string): boolean => {
  const [kind, functionName = ''] = name.split('/');
  if (kind !== 'function' || functionName === 'settle-operation') return false;
  return FUNCTIONS[functionName as FunctionName]?.folder === 'reconcile';
};

const WATCHES = ['list-events', 'get-operation'].map((name) => `function/${name}`);

/** Apart: what an operation costs, and what it costs to follow it. */
export const watchedApart = (calls: readonly RecordedCall[]) => {
  const isWatch = ({ role, resource }: RecordedCall) => WATCHES.includes(role) || WATCHES.includes(resource);
  return { own: calls.filter((call) => !isWatch(call)), watching: calls.filter(isWatch) };
};

/** The listings among the calls on objects: those to read an object are noted with the right to list as well. */
export const listingsOnly = (calls: readonly RecordedCall[]): RecordedCall[] => {
  const readsOf = (role: string) =>
    calls.reduce((sum, call) => sum + (call.role === role && call.action === 's3:GetObject' ? call.calls : 0), 0);
  return calls.map((call) =>
    call.action === 's3:ListBucket' ? { ...call, calls: Math.max(0, call.calls - readsOf(call.role)) } : call,
  );
};
