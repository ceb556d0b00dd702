import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { createControlTable } from './create-control-table.ts';
import { type DynaliteChild, type DynaliteOptions, startDynalite } from './dynalite-child.ts';

const LOCK_WAIT_MS = 10_000;
const LOCK_RETRY_MS = 50;

export type DynamodbOptions = {
  /** Where the data is kept. */
  readonly directory: string;
  /** The control table, created if there is none. */
  readonly tableName: string;
  /** The port on 127.0.0.1. @default 0 takes one that is free */
  readonly port?: number;
  /** @default us-east-1 */
  readonly region?: string;
  /** @default 000000000000 */
  readonly accountId?: string;
  /** How long to wait for the process of a runtime that was just killed to let go of the database. @default 10 s */
  readonly lockWaitMs?: number;
};

/** An embedded DynamoDB that answers. */
export type Dynamodb = {
  /** The endpoint for a DynamoDBClient. */
  readonly endpoint: string;
  /** Stops the process; the data stays. */
  close(): Promise<void>;
};

/**
 * Starts the embedded DynamoDB (dynalite) in a process of its own, on a core of its own, with the control table in it.
 * If the process ends by itself it is started again, on the same port.
 * @throws {Error} another process holds the database
 */
export const startDynamodb = async (options: DynamodbOptions): Promise<Dynamodb> => {
  const { directory, tableName, port = 0, region = 'us-east-1', accountId = '000000000000' } = options;
  const lockWaitMs = options.lockWaitMs ?? LOCK_WAIT_MS;
  await mkdir(directory, { recursive: true });
  const settings = { path: join(directory, 'data'), logFile: join(directory, 'dynalite.log'), port, region, accountId };
  let child = await startAnswering(settings, tableName, lockWaitMs);
  const endpoint = `http://127.0.0.1:${child.port}`;
  let closing = false;

  const keepUp = async () => {
    for (;;) {
      await child.ended;
      if (closing) return;
      process.stderr.write(`The embedded DynamoDB ended; starting it again. See ${settings.logFile}\n`);
      child = await startAnswering({ ...settings, port: child.port }, tableName, lockWaitMs);
      if (closing) child.process.kill();
    }
  };
  const kept = keepUp().catch((error: unknown) => void process.stderr.write(`${String(error)}\n`));

  return {
    endpoint,
    async close() {
      closing = true;
      child.process.kill();
      await kept;
    },
  };
};

/** The lock of a database goes with the process that holds it, which may be on its way out: until then, try again. */
const startAnswering = async (
  settings: DynaliteOptions,
  tableName: string,
  lockWaitMs: number,
): Promise<DynaliteChild> => {
  const deadline = performance.now() + lockWaitMs;
  for (;;) {
    try {
      return await startOnce(settings, tableName);
    } catch (error) {
      // What the store itself refuses, it will refuse again.
      if (error instanceof DynamoDBServiceException) throw error;
      if (performance.now() > deadline) {
        const { path, logFile } = settings;
        throw new Error(`The database in ${path} can not be opened. Does another runtime use it? See ${logFile}`, {
          cause: error,
        });
      }
      await sleep(LOCK_RETRY_MS);
    }
  }
};

const startOnce = async (settings: DynaliteOptions, tableName: string): Promise<DynaliteChild> => {
  const child = await startDynalite(settings);
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${child.port}`,
    region: settings.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  try {
    // The database is opened with the first request: an answer to this one proves that it is ours.
    await createControlTable(client, tableName);
    return child;
  } catch (error) {
    child.process.kill();
    await child.ended;
    throw error;
  } finally {
    client.destroy();
  }
};
