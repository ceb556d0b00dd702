import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Call, identityOf, sumOf, type Use } from './recorded-call.ts';

const FLUSH_MS = 250;

const { GRAPHFLEET_RECORD = '' } = process.env;
/** Where calls are noted; undefined: nowhere. */
export const recordingDirectory = GRAPHFLEET_RECORD === '' ? undefined : resolve(GRAPHFLEET_RECORD);

const pending = new Map<string, Call & Use>();
let file: string | undefined;
let flushing: NodeJS.Timeout | undefined;

/**
 * Notes a call in this process's file of the recording: on disk within {@link FLUSH_MS}, or when the process ends. Calls
 * that IAM can not tell apart are one line with their number, as often as it is written.
 */
export const record = (call: Call, use: Partial<Use> = {}): void => {
  if (recordingDirectory === undefined) return;
  const identity = identityOf(call);
  pending.set(identity, { ...call, ...sumOf(pending.get(identity), { calls: 1, ...use }) });
  if (file === undefined) {
    mkdirSync(recordingDirectory, { recursive: true });
    file = join(recordingDirectory, `${process.pid}-${randomBytes(4).toString('hex')}.ndjson`);
    process.once('exit', flush);
  }
  flushing ??= setTimeout(flush, FLUSH_MS).unref();
};

const flush = (): void => {
  clearTimeout(flushing);
  flushing = undefined;
  if (file === undefined || pending.size === 0) return;
  const at = new Date().toISOString();
  const lines = [...pending.values()].map((call) => `${JSON.stringify({ at, ...call })}\n`);
  pending.clear();
  appendFileSync(file, lines.join(''));
};
