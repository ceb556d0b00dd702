#!/usr/bin/env node
import { parseArgs } from 'node:util';
import type { RefreshFleet } from '../contract/api/refresh-routes.ts';
import { EXIT_CODES, exitCodeOf } from './exit-codes.ts';
import { GraphfleetClient, ProblemError } from './graphfleet-client.ts';

const USAGE = `Usage:
  graphfleet refresh [options]             starts a refresh of the fleet and follows it to its end
  graphfleet follow <operationId>          follows one that was started before

  --url <url>                 of the API (or GRAPHFLEET_URL)
  --token <token>             of an operator (or GRAPHFLEET_TOKEN, which no list of processes shows)
  --tier <tier>               refresh this tier; can be repeated. Without: the whole fleet
  --instance <id>             refresh this instance; can be repeated
  --max-wait-minutes <n>      how long each instance may finish its work
  --on-busy wait|skip|fail    what is done about one that has work
  --on-deadline defer|force|fail   what is done when it still has at the end of the wait
  --force-ignore-busy         cut off work at once; it is retried
  --reason <text>             why; needed wherever work may be cut off
  --force-restart             cycle also what has the wanted image
  --max-concurrent <n>        instances of a tier at once
  --canary <n>                so many must come up with an image before others are begun
  --idempotency-key <key>     the same key again is the same refresh
  --dry-run                   print the plan, and do nothing

Exits with 0 when every instance is refreshed or has the wanted image; 1 something went wrong on the way, 2 wrong usage,
3 refused, 4 failed, 5 deferred, 6 partial, 7 skipped, 8 cancelled, 9 somebody must look.
`;

const options = {
  url: { type: 'string' },
  token: { type: 'string' },
  tier: { type: 'string', multiple: true },
  instance: { type: 'string', multiple: true },
  'max-wait-minutes': { type: 'string' },
  'on-busy': { type: 'string' },
  'on-deadline': { type: 'string' },
  'force-ignore-busy': { type: 'boolean' },
  reason: { type: 'string' },
  'force-restart': { type: 'boolean' },
  'max-concurrent': { type: 'string' },
  canary: { type: 'string' },
  'idempotency-key': { type: 'string' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

class UsageError extends Error {}
type Values = ReturnType<typeof parse>['values'];

const parse = () => parseArgs({ options, allowPositionals: true });
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What was asked for; the API checks it and says what is wrong. */
const refreshOf = (values: Values): RefreshFleet =>
  Object.fromEntries(
    Object.entries({
      tiers: values.tier,
      instances: values.instance,
      maxWaitMinutes: numberOf(values['max-wait-minutes']),
      onBusy: values['on-busy'],
      onDeadline: values['on-deadline'],
      forceIgnoreBusy: values['force-ignore-busy'],
      reason: values.reason,
      forceRestart: values['force-restart'],
      maxConcurrent: numberOf(values['max-concurrent']),
      canary: numberOf(values.canary),
    }).filter(([, value]) => value !== undefined),
  );

const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`"${text}" is not a number.`);
  return Number(text);
};

const printPlan = async (client: GraphfleetClient, asked: RefreshFleet): Promise<number> => {
  const { instances, ...counts } = await client.planRefresh(asked);
  for (const { order, instanceId, action, canary, because, busyCount } of instances) {
    const work = busyCount > 0 ? `, ${busyCount} at work` : '';
    print(`${order}. ${instanceId}: ${action}${canary ? ' (canary)' : ''}${work}${because ? `. ${because}` : ''}`);
  }
  print(JSON.stringify(counts));
  return EXIT_CODES.done;
};

const follow = async (client: GraphfleetClient, operationId: string): Promise<number> => {
  for await (const { at, percent, status, message } of client.follow(operationId)) {
    print(`${at}  ${String(percent).padStart(3)} %  ${status}  ${message}`);
  }
  const operation = await client.operation(operationId);
  for await (const { instanceId, outcome, message } of client.refreshedInstances(operationId)) {
    print(`${instanceId}: ${outcome ?? 'not over'}${message ? `. ${message}` : ''}`);
  }
  const code = exitCodeOf(operation);
  print(`${operationId} ${operation.status}${operation.error ? `: ${operation.error.message}` : ''}`);
  return code;
};

const run = async (): Promise<number> => {
  const { values, positionals } = parse();
  const [command, operationId, ...rest] = positionals;
  if (values.help) {
    print(USAGE);
    return EXIT_CODES.done;
  }
  const url = values.url ?? process.env['GRAPHFLEET_URL'];
  const token = values.token ?? process.env['GRAPHFLEET_TOKEN'];
  if (url === undefined || token === undefined) throw new UsageError('Say --url and --token.');
  const client = new GraphfleetClient({ url, token });
  if (command === 'follow' && operationId !== undefined && rest.length === 0) return follow(client, operationId);
  if (command !== 'refresh' || operationId !== undefined) throw new UsageError('Say "refresh" or "follow".');
  const asked = refreshOf(values);
  if (values['dry-run']) return printPlan(client, asked);
  const accepted = await client.refreshFleet(asked, values['idempotency-key']);
  print(`${accepted.operationId} accepted`);
  return follow(client, accepted.operationId);
};

/** Says what went wrong, never with the token. */
const endWith = (error: unknown): number => {
  const { message } = error as Error;
  const isUsage = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${message}\n${isUsage ? `\n${USAGE}` : ''}`);
  if (isUsage) return EXIT_CODES.usage;
  if (!(error instanceof ProblemError)) return EXIT_CODES.unknown;
  const { operationId, errors = [] } = error.problem;
  if (operationId !== undefined) process.stderr.write(`See graphfleet follow ${operationId}\n`);
  for (const { path, message: what } of errors) process.stderr.write(`${path}: ${what}\n`);
  return error.status < 500 ? EXIT_CODES.refused : EXIT_CODES.unknown;
};

process.exitCode = await run().catch(endWith);
