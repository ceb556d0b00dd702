import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { spawnChild } from '../ecs/spawn-child.ts';
import { recordingDirectory } from '../recording/record.ts';

const ENTRY = fileURLToPath(new URL('./dynalite-process.ts', import.meta.url));
const Listening = z.object({ port: z.int() });

export type DynaliteOptions = {
  /** Directory of the database. */
  readonly path: string;
  /** File that takes what the process prints; emptied at each start. */
  readonly logFile: string;
  readonly port: number;
  readonly region: string;
  readonly accountId: string;
};

/** One process of the embedded DynamoDB. */
export type DynaliteChild = { readonly process: ChildProcess; readonly port: number; readonly ended: Promise<unknown> };

/**
 * Starts the process and waits until it listens.
 * @throws {Error} it ended before; the message has what it printed
 */
export const startDynalite = async (options: DynaliteOptions): Promise<DynaliteChild> => {
  const { path, logFile, port, region, accountId } = options;
  const output = openSync(logFile, 'w');
  const child = spawnChild({
    entry: ENTRY,
    parameters: ['--path', path, '--port', String(port)],
    environment: {
      AWS_REGION: region,
      AWS_ACCOUNT_ID: accountId,
      ...(recordingDirectory !== undefined && { GRAPHFLEET_RECORD: recordingDirectory }),
    },
    output,
  });
  closeSync(output);
  const ended = once(child, 'exit');
  const message = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  if (message === undefined) throw new Error(`The embedded DynamoDB did not start: ${readFileSync(logFile, 'utf8')}`);
  return { process: child, port: Listening.parse(message[0]).port, ended };
};
