import { costOf, listingsOnly, times, type Usage, usageOf, watchedApart, withoutBackground } from './cost.ts';
import { ASSUMPTIONS, PRICE_LIST } from './price-list.ts';
import type { Recorded } from './recorded-operations.ts';

/** A million graphs made, all that they use paid. */
const AIM = { kind: 'graph.create', transitions: 9, dollarsPerMillion: 200 };
const MILLION = 1e6;

type Priced = { kind: string; own: Usage; watching: Usage; milliseconds: number };

/**
 * Whether the aim is kept, without the time of functions: that is this machine's, and another one's work is in it.
 * @param recorded with operations of the kind that the aim is about
 */
export const aimKept = (recorded: readonly Recorded[], idle: Recorded): { kept: boolean; says: string } => {
  const { own, watching } = pricedOf(aimedIn(recorded), idle);
  const timeless = (usage: Usage) => dollarsOf({ ...usage, gigabyteSecond: 0 });
  const dollars = timeless(own) + timeless(watching);
  return {
    kept: own.transition <= AIM.transitions && dollars <= AIM.dollarsPerMillion,
    says: `${AIM.kind}: ${count(own.transition)} transitions (at most ${AIM.transitions}), $${dollars.toFixed(0)} a million without the time of functions (at most $${AIM.dollarsPerMillion})`,
  };
};

const aimedIn = (recorded: readonly Recorded[]): Recorded => {
  const aimed = recorded.find(({ kind }) => kind === AIM.kind);
  if (aimed === undefined) throw new Error(`There is no recording of "${AIM.kind}".`);
  return aimed;
};

/** A page of Markdown: what each kind of operation uses, what a million of them costs, and how that was counted. */
export const priceReport = (measured: { recorded: readonly Recorded[]; idle: Recorded; machine: string }): string => {
  const { recorded, idle, machine } = measured;
  const priced = recorded.map((operation) => pricedOf(operation, idle));
  const { region, asOf, prices } = PRICE_LIST;
  const aimed = pricedOf(aimedIn(recorded), idle);
  const dollars = dollarsOf(aimed.own) + dollarsOf(aimed.watching);
  const { transition } = aimed.own;
  const reached = transition <= AIM.transitions && dollars <= AIM.dollarsPerMillion;
  return `# What operations cost

Written by \`npm run price\` (${machine}). List prices of ${region} as of ${asOf}, from memory of AWS's public price pages
(\`bench/price/price-list.ts\`): check them before you rely on a sum.

**Aim: a provision has at most ${AIM.transitions} billed transitions and costs at most $${AIM.dollarsPerMillion} a million, all in. ${reached ? 'Reached' : 'Not reached'}: ${count(transition)} transitions, $${dollars.toFixed(0)} a million with the stream that follows it.**

## A million of each kind

Dollars. "Following" is one stream of events from the call to the end, which whoever asks may or may not open.

${table(priced.map(dollarRow))}

## What one uses

${table(priced.map(usageRow))}

## How it is counted

- Each kind runs alone on a runtime of its own, one operation after another, with \`GRAPHFLEET_RECORD\`; the table has the mean.
  Functions of a schedule are left out, and of everything else what an idle span has, in proportion to the time. A refresh is of one
  idle instance, and has the operation of that instance in it; a table has 100 rows.
- Transitions: each state that is entered or tried again, and ${ASSUMPTIONS.transitionsOfExecution} for the start and the end of an execution.
- Function time is the handlers' wall time **on this machine**, each call rounded up by a millisecond, times ${ASSUMPTIONS.functionMegabytes} MB on Arm. It is a
  guess: the network to DynamoDB is longer on AWS, a share of a processor is smaller, the load of this machine is not there; cold starts are
  not in it. Ten times the time would make a provision $${(dollars + 9 * aimed.own.gigabyteSecond * prices.gigabyteSecond * MILLION).toFixed(0)} a million.
- Reads and writes: capacity units as the store counts them, indexes too, refused conditions too.
- Logs: ${ASSUMPTIONS.logBytesOfFunctionCall} bytes for a function's call and ${ASSUMPTIONS.logBytesOfApiCall} for the API's, assumed. Traces: ${ASSUMPTIONS.traced * 100} % of the API's calls.
- Not in it: instances (capacity that is there anyway), storage, PITR, backups, data transfer, the keys of KMS (reads are cached; the
  bucket has a bucket key), fixed prices by month (web ACL, VPC endpoints, dashboard, alarms), metrics, schedules, \`job.run\`.
- On objects only calls are counted, and a listing is told from a read by the rights that were noted.
`;
};

const pricedOf = ({ kind, runs, seconds, calls }: Recorded, idle: Recorded): Priced => {
  const net = withoutBackground(calls, idle.calls, seconds / idle.seconds);
  const { own, watching } = watchedApart(listingsOnly(net));
  const milliseconds = own.reduce((sum, call) => sum + call.milliseconds, 0) / runs;
  return { kind, own: times(usageOf(own), 1 / runs), watching: times(usageOf(watching), 1 / runs), milliseconds };
};

const dollarsOf = (usage: Usage): number => costOf(usage, PRICE_LIST.prices) * MILLION;
const count = (amount: number): string => (Number.isInteger(amount) ? String(amount) : amount.toFixed(1));

const dollarRow = ({ kind, own, watching }: Priced) => {
  const part = (...units: (keyof Usage)[]) =>
    units.reduce((sum, unit) => sum + own[unit] * PRICE_LIST.prices[unit] * MILLION, 0).toFixed(1);
  return {
    kind,
    transitions: part('transition'),
    functions: part('functionCall', 'gigabyteSecond'),
    reads: part('readUnit'),
    writes: part('writeUnit'),
    API: part('apiCall', 'inspectedCall'),
    objects: part('objectWrite', 'objectRead'),
    'logs, traces': part('logGigabyte', 'trace'),
    sum: dollarsOf(own).toFixed(0),
    following: dollarsOf(watching).toFixed(0),
  };
};

const usageRow = ({ kind, own, milliseconds }: Priced) => ({
  kind,
  transitions: count(own.transition),
  'function calls': count(own.functionCall),
  'function ms': milliseconds.toFixed(0),
  'read units': own.readUnit.toFixed(1),
  'write units': own.writeUnit.toFixed(1),
  'API calls': count(own.apiCall),
  'PUT, COPY, LIST': count(own.objectWrite),
  GET: count(own.objectRead),
});

const table = (rows: readonly Record<string, string>[]): string => {
  const columns = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => `| ${columns.map((name) => row[name] ?? '').join(' | ')} |`);
  const rule = columns.map((_, at) => (at === 0 ? '---' : '---:'));
  return [`| ${columns.join(' | ')} |`, `| ${rule.join(' | ')} |`, ...lines].join('\n');
};
