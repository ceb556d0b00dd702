import { expect } from 'vitest';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { AccessRequest } from '../../../../domain/repository/repository-access.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';

const ask = (tenantId: string): OperationRequest => ({
  operationId: operationIdFor(tenantId, undefined),
  kind: 'repository.access',
  tenantId,
  graphId: null,
  actor: 'ada',
  request: { repository: 'filings', plan: 'reader' } satisfies AccessRequest,
});

/** Access to a repository that another tenant reads already. */
export const provisionRepositoryAccess: MachineUnderTest = {
  name: 'provision-repository-access',
  open: async (stage) => {
    const first = ask('globex');
    await stage.commands.accept(first);
    await stage.finish(first.operationId);
    expect(await stage.log.last(first.operationId)).toMatchObject({ status: 'succeeded' });
    return {
      request: () => ask('acme'),
      expectDone: ({ items }, { tenantId, operationId }) => {
        const mine = items.filter(({ pk }) => pk === `ACCESS#${tenantId}` || pk === `TENANT#${tenantId}`);
        expect(mine).toHaveLength(2);
        expect(mine).toContainEqual(expect.objectContaining({ status: 'active', operationId }));
        expect(mine).toContainEqual(expect.objectContaining({ balance: 1_000 }));
      },
    };
  },
};
