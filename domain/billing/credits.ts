/** A graph's credits. `balance` is what was allocated less what was spent; never below zero. */
export type CreditPool = { graphId: string; allocated: number; balance: number };

/** One movement of credits; the same key is the same movement, however often it comes. */
export type CreditEntry = { key: string; amount: number };

/** Where pools of credits are kept. Each method is one conditional write on the pool's item, or a read. */
export interface CreditStore {
  /** Read consistently. Undefined: the graph has no credits, or they were revoked. */
  get(tenantId: string, graphId: string): Promise<CreditPool | undefined>;
  /**
   * Adds credits, and makes the pool with the first. A negative amount takes credits away: when more were spent than
   * are left then, the balance is zero until as many are added again.
   * @throws {Terminal} `conflict` the pool was revoked: nothing comes back into it
   * @throws {Refusal} `idempotency_key_reused` the key came with another amount
   */
  allocate(tenantId: string, graphId: string, entry: CreditEntry): Promise<CreditPool>;
  /**
   * Takes credits.
   * @throws {Refusal} `payment_required` there are not as many; `not_found` there is no pool; `idempotency_key_reused`
   * @throws {Retryable} `limit_reached` too many consumptions within a day
   */
  consume(tenantId: string, graphId: string, entry: CreditEntry): Promise<CreditPool>;
  /**
   * Counts credits as spent that another pool had spent before. Once for a pool, however often it is repeated.
   * @throws {Terminal} `conflict` the pool was revoked
   */
  carry(tenantId: string, graphId: string, amount: number): Promise<CreditPool>;
  /**
   * Takes the whole pool back, and keeps an allocation that is late from bringing it back. Repeating it is harmless.
   * @returns how many of its credits were spent
   */
  revoke(tenantId: string, graphId: string): Promise<number>;
}
