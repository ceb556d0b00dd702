import { createHash } from 'node:crypto';
import { GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { Refusal, Retryable, Terminal } from '../failure.ts';
import type { CreditEntry, CreditPool, CreditStore } from './credits.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const NOT_REVOKED = 'attribute_exists(pk) AND attribute_not_exists(revokedAt)';
const NOT_ALLOCATED = 'attribute_not_exists(allocations.#key)';
const NOT_CONSUMED = 'attribute_not_exists(consumptions.#key)';
const NOT_CARRIED = 'attribute_not_exists(carried)';
const AS_IT_WAS_READ = 'allocated = :allocated AND balance = :balance AND attribute_not_exists(revokedAt)';
const ENOUGH = 'balance >= :amount';
const HAS_ROOM = 'size(consumptions) < :max';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** So many keys of consumptions an item holds, at 60 bytes each. They are kept for a day: so long a repetition is known. */
const MAX_CONSUMPTIONS_A_DAY = 2_000;
/** Consumptions are folded away when there are so many, so many at once: a condition has room for no more. */
const FOLDED_AT_ONCE = 50;
/** No allocation is as late as this. */
const REVOKED_FOR_DAYS = 30;

type Movement = { amount: number; at: string };
type PoolItem = {
  allocated: number;
  /** What was allocated less what was spent: below zero when credits were taken away that had been spent. */
  balance: number;
  allocations: Record<string, Movement>;
  consumptions: Record<string, Movement>;
  /** What was spent by another pool. */
  carried?: number;
  revokedAt?: string;
  /** Of a revoked pool: what it had spent. */
  spent?: number;
};

/** Pools of credits in the control table: one item each, which also holds the keys of what moved them. */
export class DynamoCreditStore implements CreditStore {
  readonly #table: ControlTableClient;
  readonly #now: () => Date;

  constructor(table: ControlTableClient, now: () => Date = () => new Date()) {
    this.#table = table;
    this.#now = now;
  }

  async get(tenantId: string, graphId: string): Promise<CreditPool | undefined> {
    const item = await this.#read(tenantId, graphId);
    return item === undefined || item.revokedAt !== undefined ? undefined : poolFrom(graphId, item);
  }

  async allocate(tenantId: string, graphId: string, { key, amount }: CreditEntry): Promise<CreditPool> {
    const movement: Movement = { amount, at: this.#now().toISOString() };
    // Most often it is the first allocation: nothing is read before that is tried.
    let item: PoolItem | undefined;
    for (;;) {
      const written =
        item === undefined
          ? await this.#create(tenantId, graphId, key, movement)
          : await this.#move(tenantId, graphId, key, movement, {
              UpdateExpression: `SET allocated = allocated + :amount, balance = balance + :amount, allocations.#key = :movement`,
              ConditionExpression: `${NOT_REVOKED} AND ${NOT_ALLOCATED}`,
            });
      if (written !== undefined) return poolFrom(graphId, written);
      item = await this.#read(tenantId, graphId);
      if (item?.revokedAt !== undefined) throw new Terminal('conflict', `The credits of "${graphId}" were revoked.`);
      const earlier = item?.allocations[entryKey(key)];
      if (item !== undefined && earlier !== undefined) return replayed(graphId, item, earlier, amount);
    }
  }

  async consume(tenantId: string, graphId: string, { key, amount }: CreditEntry): Promise<CreditPool> {
    const movement: Movement = { amount, at: this.#now().toISOString() };
    for (;;) {
      const written = await this.#move(tenantId, graphId, key, movement, {
        UpdateExpression: 'SET balance = balance - :amount, consumptions.#key = :movement',
        ConditionExpression: `${NOT_REVOKED} AND ${NOT_CONSUMED} AND ${ENOUGH} AND ${HAS_ROOM}`,
        ExpressionAttributeValues: { ':max': MAX_CONSUMPTIONS_A_DAY },
      });
      if (written !== undefined) {
        await this.#fold(tenantId, graphId, written, FOLDED_AT_ONCE);
        return poolFrom(graphId, written);
      }
      const item = await this.#read(tenantId, graphId);
      if (item === undefined || item.revokedAt !== undefined) {
        throw new Refusal('not_found', `The graph "${graphId}" has no credits.`);
      }
      const earlier = item.consumptions[entryKey(key)];
      if (earlier !== undefined) return replayed(graphId, item, earlier, amount);
      if (item.balance < amount) {
        throw new Refusal(
          'payment_required',
          `The graph "${graphId}" has ${poolFrom(graphId, item).balance} credits; ${amount} are asked.`,
        );
      }
      const isFull = Object.keys(item.consumptions).length >= MAX_CONSUMPTIONS_A_DAY;
      if (isFull && !(await this.#fold(tenantId, graphId, item, 1))) {
        throw new Retryable(
          'limit_reached',
          `A graph takes ${MAX_CONSUMPTIONS_A_DAY} consumptions a day; sum them up.`,
          {
            delaySeconds: 60,
          },
        );
      }
    }
  }

  async carry(tenantId: string, graphId: string, amount: number): Promise<CreditPool> {
    await whenConditionHolds(
      this.#update(tenantId, graphId, {
        UpdateExpression: 'SET balance = balance - :amount, carried = :amount',
        ConditionExpression: `${NOT_REVOKED} AND ${NOT_CARRIED}`,
        ExpressionAttributeValues: { ':amount': amount },
      }),
    );
    const pool = await this.get(tenantId, graphId);
    if (pool === undefined) throw new Terminal('conflict', `The credits of "${graphId}" were revoked.`);
    return pool;
  }

  async revoke(tenantId: string, graphId: string): Promise<number> {
    for (;;) {
      const item = await this.#read(tenantId, graphId);
      if (item?.revokedAt !== undefined) return item.spent ?? 0;
      const spent = item === undefined ? 0 : item.allocated - item.balance;
      const revoked = { ...keyOf(tenantId, graphId), ...this.#revoked(spent) };
      const written =
        item === undefined
          ? this.#put(revoked, NOT_THERE)
          : this.#put(revoked, AS_IT_WAS_READ, { ':allocated': item.allocated, ':balance': item.balance });
      if (await written) return spent;
    }
  }

  #revoked(spent: number): PoolItem & { expiresAt: number } {
    const now = this.#now();
    const expiresAt = Math.floor(now.getTime() / 1_000) + (REVOKED_FOR_DAYS * DAY_MS) / 1_000;
    const revokedAt = now.toISOString();
    return { allocated: 0, balance: 0, allocations: {}, consumptions: {}, revokedAt, spent, expiresAt };
  }

  async #create(tenantId: string, graphId: string, key: string, movement: Movement): Promise<PoolItem | undefined> {
    const { amount } = movement;
    const item: PoolItem = {
      allocated: amount,
      balance: amount,
      allocations: { [entryKey(key)]: movement },
      consumptions: {},
    };
    return (await this.#put({ ...keyOf(tenantId, graphId), ...item }, NOT_THERE)) ? item : undefined;
  }

  /**
   * Forgets consumptions that are older than a day, when at least `least` are. The balance has them already, so nothing
   * but their keys is lost.
   * @returns whether any were forgotten, here or by another run
   */
  async #fold(tenantId: string, graphId: string, { consumptions }: PoolItem, least: number): Promise<boolean> {
    const cutoff = new Date(this.#now().getTime() - DAY_MS).toISOString();
    const old = Object.entries(consumptions).filter(([, { at }]) => at < cutoff);
    if (old.length < least) return false;
    const folded = old.slice(0, FOLDED_AT_ONCE);
    const names = Object.fromEntries(folded.map(([key], at) => [`#k${at}`, key]));
    await whenConditionHolds(
      this.#update(tenantId, graphId, {
        UpdateExpression: `REMOVE ${folded.map((_, at) => `consumptions.#k${at}`).join(', ')}`,
        // A key that was forgotten and used again meanwhile is not the one that was old.
        ConditionExpression: folded.map((_, at) => `consumptions.#k${at}.#at < :cutoff`).join(' AND '),
        ExpressionAttributeNames: { ...names, '#at': 'at' },
        ExpressionAttributeValues: { ':cutoff': cutoff },
      }),
    );
    return true;
  }

  async #move(
    tenantId: string,
    graphId: string,
    key: string,
    movement: Movement,
    { ExpressionAttributeValues, ...change }: Omit<UpdateCommandInput, 'TableName' | 'Key'>,
  ): Promise<PoolItem | undefined> {
    let written: PoolItem | undefined;
    await whenConditionHolds(
      this.#update(tenantId, graphId, {
        ...change,
        ExpressionAttributeNames: { '#key': entryKey(key) },
        ExpressionAttributeValues: { ':amount': movement.amount, ':movement': movement, ...ExpressionAttributeValues },
        ReturnValues: 'ALL_NEW',
      }).then(({ Attributes }) => {
        written = Attributes as PoolItem;
      }),
    );
    return written;
  }

  async #read(tenantId: string, graphId: string): Promise<PoolItem | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId, graphId), ConsistentRead: true }),
    );
    return Item as PoolItem | undefined;
  }

  #put(
    Item: Record<string, unknown>,
    ConditionExpression: string,
    ExpressionAttributeValues?: Record<string, unknown>,
  ): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({
          TableName: this.#table.tableName,
          Item,
          ConditionExpression,
          ...(ExpressionAttributeValues && { ExpressionAttributeValues }),
        }),
      ),
    );
  }

  #update(tenantId: string, graphId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>) {
    return this.#table.documents.send(
      new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId, graphId), ...update }),
    );
  }
}

const keyOf = (tenantId: string, graphId: string) => ({ pk: `TENANT#${tenantId}`, sk: `CREDIT#${graphId}` });

/** Of one length, however long the caller's key is, so that the item has a bound. */
const entryKey = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 22);

const poolFrom = (graphId: string, { allocated, balance }: PoolItem): CreditPool => ({
  graphId,
  allocated,
  balance: Math.max(0, balance),
});

const replayed = (graphId: string, item: PoolItem, earlier: Movement, amount: number): CreditPool => {
  if (earlier.amount === amount) return poolFrom(graphId, item);
  throw new Refusal('idempotency_key_reused', 'This key came with another amount of credits before; take a new key.');
};
