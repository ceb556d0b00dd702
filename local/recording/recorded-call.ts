import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What IAM would decide on: who asks for what, on what. Names of this machine are left out of it. */
export type Call = {
  /** `function/<name>`, `machine/<name>`, `instance`, or a service of AWS: `service/apigateway`, `service/events`. */
  readonly role: string;
  /** As IAM names it: `dynamodb:GetItem`. And `transition`, a step of a machine, which IAM does not know. */
  readonly action: string;
  /** `table`, `table/index/<name>`, `stateMachine/<name>`, `service/inst-*`, `bucket/graphs/*`, … or `*`. */
  readonly resource: string;
  /** The partition key that is read or written in the table, with `*` for each id. */
  readonly key?: string;
  /** What else conditions of a policy look at, by condition key. */
  readonly context?: Readonly<Record<string, string>>;
};

/** How often, and how much of what is paid for. */
export type Use = {
  readonly calls: number;
  /** Those of the calls that were answered with an error. */
  readonly refused: number;
  /** Capacity units of the table and its indexes: read units of a read, write units of a write. */
  readonly units: number;
  /** How long functions ran. */
  readonly milliseconds: number;
};

export type RecordedCall = Call & Use;

const NO_USE: Use = { calls: 0, refused: 0, units: 0, milliseconds: 0 };

export const sumOf = (one: Use = NO_USE, other: Partial<Use>): Use => ({
  calls: one.calls + (other.calls ?? 0),
  refused: one.refused + (other.refused ?? 0),
  units: one.units + (other.units ?? 0),
  milliseconds: one.milliseconds + (other.milliseconds ?? 0),
});

/** Equal for calls that IAM can not tell apart. */
export const identityOf = ({ role, action, resource, key, context = {} }: Call): string =>
  JSON.stringify([role, action, resource, key ?? null, Object.entries(context).sort()]);

/** All calls of a recording, each once, with its uses summed up. */
export const readRecording = (directory: string): RecordedCall[] => {
  const calls = new Map<string, RecordedCall>();
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.ndjson'))) {
    // A process that was killed may have left half a line at the end.
    const lines = readFileSync(join(directory, file), 'utf8').split('\n').slice(0, -1);
    for (const line of lines) {
      const { at: _at, ...call } = JSON.parse(line) as RecordedCall & { at: string };
      const identity = identityOf(call);
      calls.set(identity, { ...call, ...sumOf(calls.get(identity), call) });
    }
  }
  return [...calls.values()];
};
