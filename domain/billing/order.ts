import type { GraphRequest } from '../graph/graph-request.ts';

/** Where the graphs that subscriptions bought are kept until they are made. */
export interface OrderStore {
  /** Puts what a subscription ordered, if nothing is: the first order counts. */
  put(tenantId: string, subscriptionId: string, graph: GraphRequest): Promise<void>;
  /** Read consistently. */
  get(tenantId: string, subscriptionId: string): Promise<GraphRequest | undefined>;
}
