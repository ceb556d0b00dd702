/** The set of a tenant's graphs, which holds no more than the tenant may have. */
export interface GraphQuota {
  /** How many graphs are in the set. It may lag behind: {@link admit} decides. */
  count(tenantId: string): Promise<number>;
  /** Puts a graph into the set, if it holds fewer than `max`. Repeating it is harmless. False: there is no room. */
  admit(tenantId: string, graphId: string, max: number): Promise<boolean>;
  /** Takes a graph out of the set. Repeating it is harmless. */
  release(tenantId: string, graphId: string): Promise<void>;
}
