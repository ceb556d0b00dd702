import { expect } from 'vitest';
import { DynamoInstanceLaunchStore } from '../../../../domain/fleet/dynamo-instance-launch-store.ts';
import type { LaunchRequest } from '../../../../domain/fleet/instance-launch.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import { FLEET_TENANT } from '../../../../domain/operation/operation.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { CAPACITY } from '../stage.ts';

const LAUNCHED: LaunchRequest = { instanceId: 'inst-large-2', tier: 'large' };

/** A second instance of a tier, whose name its operation has claimed. */
export const launchInstance: MachineUnderTest = {
  name: 'launch-instance',
  open: async (stage) => {
    const launches = new DynamoInstanceLaunchStore(stage.table);
    return {
      request: async (): Promise<OperationRequest> => {
        const operationId = operationIdFor(FLEET_TENANT, undefined);
        await launches.claim({ ...LAUNCHED, operationId, capacity: CAPACITY }, new Date().toISOString());
        const asked = { kind: 'instance.launch', tenantId: FLEET_TENANT, graphId: null, actor: 'olga' } as const;
        return { operationId, ...asked, request: LAUNCHED };
      },
      expectDone: ({ instances }) => {
        const launched = instances.find(({ instanceId }) => instanceId === LAUNCHED.instanceId);
        expect(launched).toMatchObject({ state: 'ACTIVE', tier: 'large', used: 0 });
      },
      // The name is claimed before the operation begins, and given back with it.
      whenUndone: (item) => (item.pk === `INSTANCE#${LAUNCHED.instanceId}` ? undefined : item),
    };
  },
};
