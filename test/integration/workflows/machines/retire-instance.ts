import { expect } from 'vitest';
import type { RetireRequest } from '../../../../domain/fleet/retirement.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import { FLEET_TENANT } from '../../../../domain/operation/operation.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import type { Stage } from '../stage.ts';

let launched = 0;

/** The retirement of an instance that its service has just started; another one is there. */
export const askForRetirement = async (stage: Stage): Promise<OperationRequest & { request: RetireRequest }> => {
  launched += 1;
  const instanceId = `inst-large-${launched + 1}`;
  await stage.launch(instanceId, 'large');
  return {
    operationId: operationIdFor(FLEET_TENANT, undefined),
    kind: 'instance.retire',
    tenantId: FLEET_TENANT,
    graphId: null,
    actor: 'olga',
    request: { instanceId, tier: 'large', tiers: ['large'], reason: 'Too many', maxWaitMinutes: 30 },
  };
};

/**
 * An idle instance without graphs. A run comes to the wait when something is at work there, which ends just before the
 * workflow waits; it then wakes itself.
 */
export const retireInstance: MachineUnderTest = {
  name: 'retire-instance',
  detours: ['AwaitIdle'],
  polls: ['RemoveService'],
  open: async (stage) => ({
    request: () => askForRetirement(stage),
    expectDone: ({ items, instances }, { request }) => {
      const { instanceId } = request as RetireRequest;
      expect(instances.map((instance) => instance.instanceId)).not.toContain(instanceId);
      expect(items.filter(({ pk, sk }) => pk === 'TIER#large' && sk === 'REFRESH')).toEqual([]);
    },
    // What an earlier one has claimed, or removed, the next takes over.
    again: (request) => ({ ...request, operationId: operationIdFor(FLEET_TENANT, undefined) }),
    detours: {
      AwaitIdle: async ({ operationId, request }) => {
        const { instanceId } = request as RetireRequest;
        await stage.holdings.acquire(instanceId, operationId, 'backup', 1_001);
        const act = () => stage.holdings.releaseAll(instanceId, operationId);
        stage.faults.afterwards({ operationId, from: '', after: 'EvacuateInstance', act });
      },
    },
  }),
};
