import { createHash } from 'node:crypto';
import { ulid } from 'ulid';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * The operation that a request opens. With an idempotency key the id is derived from (tenant, key), so that creating
 * the operation is itself the check for a repeated call; without one it is a fresh ULID.
 */
export const operationIdFor = (tenantId: string, idempotencyKey: string | undefined): string =>
  `op_${idempotencyKey === undefined ? ulid() : derived(`${tenantId}\n${idempotencyKey}`)}`;

/** The graph that an operation creates: derived, so that every retry of the operation speaks of the same graph. */
export const graphIdFor = (operationId: string): string => `kg${operationId.slice('op_'.length).toLowerCase()}`;

/** The operation that creates a graph, from the graph's id. */
export const operationIdOfGraph = (graphId: string): string => `op_${graphId.slice('kg'.length).toUpperCase()}`;

/** 128 bits of SHA-256 in the alphabet and length of a ULID. */
const derived = (text: string): string => {
  let bits = BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 32)}`);
  let encoded = '';
  for (let digit = 0; digit < 26; digit += 1) {
    encoded = CROCKFORD[Number(bits & 31n)] + encoded;
    bits >>= 5n;
  }
  return encoded;
};
