import { DeleteCommand, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { FleetTier } from '../fleet/tier.ts';
import type { WritePause, WritePauseStore } from './write-pause.ts';

/** Pauses in the control table, each beside its tier; those that are over go by themselves. */
export class DynamoWritePauseStore implements WritePauseStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(pause: WritePause): Promise<void> {
    const expiresAt = Math.ceil(Date.parse(pause.until) / 1_000);
    const Item = { ...keyOf(pause.tier), ...pause, [CONTROL_TABLE.timeToLiveAttribute]: expiresAt };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }

  async remove(tier: FleetTier | null): Promise<void> {
    await this.#table.documents.send(new DeleteCommand({ TableName: this.#table.tableName, Key: keyOf(tier) }));
  }

  async get(tier: FleetTier | null): Promise<WritePause[]> {
    const found = await Promise.all(tier === null ? [this.#find(null)] : [this.#find(null), this.#find(tier)]);
    return found.filter((pause) => pause !== undefined);
  }

  async #find(of: FleetTier | null): Promise<WritePause | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(of), ConsistentRead: true }),
    );
    if (Item === undefined) return undefined;
    const { tier, owner, reason, until } = Item as WritePause;
    return { tier, owner, reason, until };
  }
}

const keyOf = (tier: FleetTier | null) => ({ pk: `TIER#${tier ?? 'ALL'}`, sk: 'PAUSE' });
