import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { Terminal } from '../failure.ts';
import type { CreditDebtStore } from './credit-debts.ts';

const AS_IT_WAS_READ = 'revision = :read';
const NOT_THERE = 'attribute_not_exists(pk)';

/** No run of a step is as late as this. */
const KNOWN_FOR_MS = 24 * 60 * 60_000;
/** So many pools of a side an item holds, at 80 bytes each. Of more the oldest are known for less long. */
const MOST_KNOWN = 1_000;

type Entry = { amount: number; at: string };
type Entries = Record<string, Entry>;
/** What is owed is `rest` and all that went, less all that was taken over. */
type DebtItem = {
  revision: number;
  /** The sum of the pools that are not known one by one any more. */
  rest: number;
  gone: Entries;
  takenOver: Entries;
};

/** Debts in the control table: an item for each kind of pools of a tenant, which also holds the pools that moved it. */
export class DynamoCreditDebtStore implements CreditDebtStore {
  readonly #table: ControlTableClient;
  readonly #now: () => Date;

  constructor(table: ControlTableClient, now: () => Date = () => new Date()) {
    this.#table = table;
    this.#now = now;
  }

  async owe(tenantId: string, kind: string, pool: string, spent: number): Promise<void> {
    for (;;) {
      const item = await this.#read(tenantId, kind);
      if (pool in item.gone) return;
      // What it took over and was never charged is owed all the same.
      const amount = Math.max(spent, item.takenOver[pool]?.amount ?? 0);
      if (amount === 0) return;
      if (await this.#put(tenantId, kind, { ...item, gone: { ...item.gone, [pool]: this.#entry(amount) } })) return;
    }
  }

  async takeOver(tenantId: string, kind: string, pool: string, most: number): Promise<number> {
    for (;;) {
      const item = await this.#read(tenantId, kind);
      if (pool in item.gone) throw new Terminal('conflict', `The credits of "${pool}" were revoked.`);
      const earlier = item.takenOver[pool];
      if (earlier !== undefined) return earlier.amount;
      const amount = Math.min(most, item.rest + sumOf(item.gone) - sumOf(item.takenOver));
      if (amount <= 0) return 0;
      const takenOver = { ...item.takenOver, [pool]: this.#entry(amount) };
      if (await this.#put(tenantId, kind, { ...item, takenOver })) return amount;
    }
  }

  #entry(amount: number): Entry {
    return { amount, at: this.#now().toISOString() };
  }

  async #read(tenantId: string, kind: string): Promise<DebtItem> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId, kind), ConsistentRead: true }),
    );
    return (Item as DebtItem | undefined) ?? { revision: 0, rest: 0, gone: {}, takenOver: {} };
  }

  async #put(tenantId: string, kind: string, { revision, rest, ...item }: DebtItem): Promise<boolean> {
    const [gone, goneBefore] = this.#folded(item.gone);
    const [takenOver, takenBefore] = this.#folded(item.takenOver);
    const folded: DebtItem = { revision: revision + 1, rest: rest + goneBefore - takenBefore, gone, takenOver };
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({
          TableName: this.#table.tableName,
          Item: { ...keyOf(tenantId, kind), ...folded },
          ConditionExpression: revision === 0 ? NOT_THERE : AS_IT_WAS_READ,
          ...(revision > 0 && { ExpressionAttributeValues: { ':read': revision } }),
        }),
      ),
    );
  }

  /** The entries that stay known, and the sum of the others. */
  #folded(entries: Entries): [Entries, number] {
    const cutoff = new Date(this.#now().getTime() - KNOWN_FOR_MS).toISOString();
    const newestFirst = Object.entries(entries).sort(([, one], [, other]) => (one.at < other.at ? 1 : -1));
    const known = newestFirst.filter(([, { at }], place) => place < MOST_KNOWN && at >= cutoff);
    const kept = Object.fromEntries(known);
    return [kept, sumOf(entries) - sumOf(kept)];
  }
}

const sumOf = (entries: Entries): number => Object.values(entries).reduce((sum, { amount }) => sum + amount, 0);

const keyOf = (tenantId: string, kind: string) => ({ pk: `TENANT#${tenantId}`, sk: `DEBT#${kind}` });
