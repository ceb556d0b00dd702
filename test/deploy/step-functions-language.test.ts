import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MiniStack, startMiniStack } from '../fixtures/ministack.ts';
import { type LanguageCase, languageCases } from '../integration/step-functions/language-cases.ts';
import { ScriptedFunctions } from '../integration/step-functions/scripted-functions.ts';
import { type EmulatedFunctions, startEmulatedFunctions } from './emulated-functions.ts';
import { EMULATOR_DIFFERS } from './language-differences.ts';

/**
 * The cases that our own runner is held against, on the emulator's Step Functions. Where the two differ is listed with the
 * reason; a case that is listed and agrees fails as well.
 */

const REGION = 'eu-west-1';
const ACCOUNT = '123456789012';
const PATIENCE_MS = 20_000;
/** What a function throws has one name here, whatever its own. */
const EMULATED_NAME = 'Runtime.HandlerError';
const THROWN_NAME = 'Boom';
const LOOK_AGAIN_MS = 50;

let emulator: MiniStack;
let functions: EmulatedFunctions;
let client: SFNClient;

beforeAll(async () => {
  emulator = await startMiniStack({ environment: { MINISTACK_REGION: REGION } });
  const { endpoint } = emulator;
  // The emulator takes a key of twelve digits for an account's.
  const credentials = { accessKeyId: ACCOUNT, secretAccessKey: 'test' };
  client = new SFNClient({ endpoint, region: REGION, credentials, maxAttempts: 1 });
  functions = await startEmulatedFunctions(
    endpoint,
    `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20260101/${REGION}/lambda/aws4_request, SignedHeaders=host, Signature=0`,
  );
}, 180_000);

afterAll(async () => {
  client?.destroy();
  functions?.close();
  await emulator?.stop();
});

type Ended = {
  status: string;
  output?: unknown;
  error?: string | undefined;
  cause?: string | undefined;
  history: string[];
};

let cases = 0;

/** Runs a case beside others: its functions and machines have names of their own, which what comes of it does not tell. */
const run = async ({ machine, children = {}, input = {}, functions: script = {} }: LanguageCase): Promise<Ended> => {
  cases += 1;
  const suffix = `-case${cases}`;
  const scripted = new ScriptedFunctions(script);
  scripted.client = client;
  for (const name of Object.keys(script))
    await functions.create(`${lastOf(name)}${suffix}`, (payload) => scripted.invoke(name, payload));
  const renamed = (definition: object) =>
    renamedIn(definition, [...Object.keys(script), ...Object.keys(children)], suffix);
  const told = (text: string) => text.replaceAll(suffix, '').replaceAll(EMULATED_NAME, THROWN_NAME);
  const create = async (name: string, definition: object) => {
    const command = new CreateStateMachineCommand({
      name: `${name}${suffix}`,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/workflows`,
      definition: JSON.stringify(renamed(definition)),
    });
    return (await client.send(command)).stateMachineArn ?? '';
  };
  for (const [name, child] of Object.entries(children)) await create(name, child);
  const stateMachineArn = await create('machine', machine);
  const { executionArn = '' } = await client.send(
    new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }),
  );
  const { status = '', output, error, cause } = await ended(executionArn);
  const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }));
  return {
    status,
    ...(output !== undefined && { output: JSON.parse(told(output)) as unknown }),
    error: error === undefined ? undefined : told(error),
    cause: cause === undefined ? undefined : told(cause),
    history: events.map(({ type }) => String(type)),
  };
};

const ended = async (executionArn: string) => {
  for (const giveUpAt = Date.now() + PATIENCE_MS; ; await sleep(LOOK_AGAIN_MS)) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status !== 'RUNNING' || Date.now() > giveUpAt) return execution;
  }
};

const lastOf = (name: string): string => name.split(':').at(-1) ?? name;

/** A definition in which what it calls, by name or by ARN, has a suffix. */
const renamedIn = (definition: object, names: readonly string[], suffix: string): object =>
  JSON.parse(
    JSON.stringify(definition, (key, value: unknown) => {
      if (typeof value !== 'string') return value;
      if (value === THROWN_NAME) return EMULATED_NAME;
      const isName = key === 'FunctionName' && names.includes(value);
      const isArn = /^arn:aws:(lambda|states):/.test(value) && names.some((name) => lastOf(value) === lastOf(name));
      return isName || isArn ? `${value}${suffix}` : value;
    }),
  ) as object;

const causeOf = (cause: string | undefined, wanted: unknown): unknown => {
  try {
    return typeof wanted === 'object' && cause !== undefined ? JSON.parse(cause) : cause;
  } catch {
    return cause;
  }
};

/** In what the end of a case is not as it must be. Times are left out: here they pass. */
const differences = (found: Ended, { expect: wanted }: LanguageCase): string[] => {
  const agrees = (check: () => void): boolean => {
    try {
      check();
      return true;
    } catch {
      return false;
    }
  };
  const aspects: Record<string, () => void> =
    'output' in wanted
      ? {
          status: () => expect(found.status).toBe('SUCCEEDED'),
          output: () => expect(found.output).toEqual(wanted.output),
        }
      : {
          status: () => expect(found.status).toBe(wanted.status ?? 'FAILED'),
          error: () => expect(found.error).toBe(wanted.error),
          cause: () => {
            if (wanted.cause === undefined) return;
            const expected = typeof wanted.cause === 'object' ? expect.objectContaining(wanted.cause) : wanted.cause;
            expect(causeOf(found.cause, wanted.cause)).toEqual(expected);
          },
        };
  const { history } = wanted;
  if (history !== undefined) aspects['history'] = () => expect(found.history).toEqual(history);
  return Object.entries(aspects).flatMap(([aspect, check]) => (agrees(check) ? [] : [aspect]));
};

const all = Object.entries(languageCases).flatMap(([part, cases]) => cases.map((given) => ({ part, ...given })));

describe.concurrent('the emulator', () => {
  test.each(all)('$part: $name', async ({ part, ...given }) => {
    const found = await run(given).catch((error: Error) => ({
      status: `refused: ${error.name}: ${error.message}`,
      history: [],
    }));
    const differs = differences(found, given);
    const told = { differs, ...(differs.length > 0 && { found, wanted: given.expect }) };
    expect(differs, JSON.stringify(told).slice(0, 2_000)).toEqual(EMULATOR_DIFFERS[given.name]?.in ?? []);
  });
});

test('every case that is listed as different is there', () => {
  const names = all.map(({ name }) => name);
  expect(Object.keys(EMULATOR_DIFFERS).filter((name) => !names.includes(name))).toEqual([]);
});
