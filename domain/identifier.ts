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

/** A file of a table; with an idempotency key derived, so that registering it is itself the check for a repeated call. */
export const fileIdFor = (
  { graphId, table }: { graphId: string; table: string },
  idempotencyKey: string | undefined,
): string => `file_${idempotencyKey === undefined ? ulid() : derived(`${graphId}\n${table}\n${idempotencyKey}`)}`;

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

/** The namespace of the UUIDs that are derived here; any would do, as long as it stays. */
const NAMESPACE = Buffer.from('a3f1c6f0-5b0e-4c57-9f0a-6d1f0e6b7c21'.replaceAll('-', ''), 'hex');

/** The UUID of an operation where somebody else wants one: by its name, version 5 of RFC 9562, so always the same. */
export const uuidOf = (operationId: string): string => {
  const bytes = createHash('sha1').update(NAMESPACE).update(operationId).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
