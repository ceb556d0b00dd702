import { closePool } from '../billing/credit-debts.ts';
import { creditPoolOf, type RepositoryAccess, type RepositoryAccessStore } from './repository-access.ts';

/**
 * Ends an access with what is left of its credits: no query gets through from the first write on; what was cut short
 * after it is gone on with by the next.
 * @returns false when it is being granted, and so can not be ended
 */
export const endAccess = async (
  accesses: Pick<RepositoryAccessStore, 'end' | 'remove'>,
  pools: Parameters<typeof closePool>[0],
  access: RepositoryAccess,
): Promise<boolean> => {
  const { tenantId, repository, operationId } = access;
  if (!(await accesses.end(access))) return false;
  await closePool(pools, { tenantId, kind: repository, pool: creditPoolOf(repository, operationId) });
  await accesses.remove(tenantId, repository, operationId, ['ending']);
  return true;
};
