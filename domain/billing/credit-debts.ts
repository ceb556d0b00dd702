import { Terminal } from '../failure.ts';
import type { CreditPool, CreditStore } from './credits.ts';

/**
 * What pools had spent when they were revoked, by kind: `graphs`, or the repository that they were for. The next pool of
 * the kind takes it over, as far as its own credits reach: so giving something up and asking for it anew brings nothing back.
 */
export interface CreditDebtStore {
  /** Records what a pool had spent when it went. Repeating it is harmless. */
  owe(tenantId: string, kind: string, pool: string, spent: number): Promise<void>;
  /**
   * Takes over what is owed, but no more than `most`. Repeating it takes over the same.
   * @throws {Terminal} `conflict` the pool has gone
   */
  takeOver(tenantId: string, kind: string, pool: string, most: number): Promise<number>;
}

type Stores = { credits: CreditStore; debts: CreditDebtStore };
type Pool = { tenantId: string; kind: string; pool: string };

/**
 * Gives a pool its first credits, less what is owed. Repeating it is harmless.
 * @param key the operation that gives them
 * @throws {Terminal} `conflict` the pool was revoked
 */
export const openPool = async (
  { credits, debts }: Stores,
  { tenantId, kind, pool }: Pool,
  { key, amount }: { key: string; amount: number },
): Promise<CreditPool> => {
  const opened = await credits.allocate(tenantId, pool, { key, amount });
  const owed = await debts.takeOver(tenantId, kind, pool, amount);
  if (owed === 0) return opened;
  try {
    return await credits.carry(tenantId, pool, owed);
  } catch (error) {
    // It was revoked meanwhile: what it took over is owed again, because nobody else would see to that.
    if (error instanceof Terminal) await debts.owe(tenantId, kind, pool, 0);
    throw error;
  }
};

/** Takes a pool back; what it had spent is owed from then on. Repeating it is harmless. */
export const closePool = async (
  { credits, debts }: Pick<Stores, 'debts'> & { credits: Pick<CreditStore, 'revoke'> },
  { tenantId, kind, pool }: Pool,
): Promise<void> => {
  await debts.owe(tenantId, kind, pool, await credits.revoke(tenantId, pool));
};

/** The kind of the pools that graphs have. */
export const GRAPHS = 'graphs';
