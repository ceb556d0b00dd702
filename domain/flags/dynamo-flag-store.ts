import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import { DEFAULT_FLAGS, type FeatureFlags, type FlagStore } from './feature-flags.ts';

const KEY = { pk: 'FLAGS', sk: 'META' };
const KNOWN_FOR_MS = 10_000;

/** The flags in the control table: one item, which each function reads every 10 s at most. */
export class DynamoFlagStore implements FlagStore {
  readonly #table: ControlTableClient;
  readonly #now: () => number;
  #known: { flags: FeatureFlags; until: number } | undefined;

  constructor(table: ControlTableClient, now: () => number = Date.now) {
    this.#table = table;
    this.#now = now;
  }

  async get(): Promise<FeatureFlags> {
    if (this.#known !== undefined && this.#now() < this.#known.until) return this.#known.flags;
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: KEY, ConsistentRead: true }),
    );
    return this.#keep({ ...DEFAULT_FLAGS, ...(Item?.['flags'] as Partial<FeatureFlags> | undefined) });
  }

  async put(flags: FeatureFlags): Promise<void> {
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item: { ...KEY, flags } }));
    this.#keep(flags);
  }

  #keep(flags: FeatureFlags): FeatureFlags {
    this.#known = { flags, until: this.#now() + KNOWN_FOR_MS };
    return flags;
  }
}
