import { expect } from 'vitest';
import type { FleetTier } from '../../../../domain/fleet/tier.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import { FLEET_TENANT } from '../../../../domain/operation/operation.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { InstanceRefreshRequest } from '../../../../domain/refresh/refresh.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import type { Stage } from '../stage.ts';

export const NEW_IMAGE = `sha256:${'2'.repeat(64)}`;
const TIER: FleetTier = 'large';

let launched = 0;

/** A refresh of an instance that its service has just started; nothing is at work there. */
export const askForRefresh = async (
  stage: Stage,
  policy: Partial<InstanceRefreshRequest> = {},
): Promise<OperationRequest & { request: InstanceRefreshRequest }> => {
  launched += 1;
  const instanceId = `inst-${TIER}-${launched + 1}`;
  await stage.launch(instanceId, TIER);
  return {
    operationId: operationIdFor(FLEET_TENANT, undefined),
    kind: 'instance.refresh',
    tenantId: FLEET_TENANT,
    graphId: null,
    actor: 'olga',
    request: {
      parentOperationId: operationIdFor(FLEET_TENANT, undefined),
      instanceId,
      tier: TIER,
      toImage: NEW_IMAGE,
      maxWaitMinutes: 30,
      onBusy: 'wait',
      onDeadline: 'defer',
      forceIgnoreBusy: false,
      reason: null,
      forceRestart: false,
      ...policy,
    },
  };
};

/** Something that the instance of a refresh is busy with; it is the operation's own, so it is accounted for. */
const hold = (stage: Stage, { operationId, request }: OperationRequest, holding = 1) => {
  const { instanceId } = request as InstanceRefreshRequest;
  return stage.holdings.acquire(instanceId, operationId, 'backup', 1_000 + holding);
};

/**
 * An idle instance, refreshed. A run comes to the wait when something is at work there, which ends just before the
 * workflow waits; it then wakes itself.
 */
export const refreshInstance: MachineUnderTest = {
  name: 'refresh-instance',
  detours: ['AwaitIdle'],
  open: async (stage) => ({
    request: () => askForRefresh(stage),
    expectDone: ({ instances }, { request }) => {
      const { instanceId } = request as InstanceRefreshRequest;
      const refreshed = instances.find((instance) => instance.instanceId === instanceId);
      expect(refreshed).toMatchObject({ state: 'ACTIVE', image: NEW_IMAGE, busyCount: 0 });
      expect(refreshed).not.toHaveProperty('drain');
      // A task for each generation, and no task twice.
      expect(stage.startsOf(instanceId)).toEqual(refreshed?.generation === 2 ? [1, 2] : [1, 2, 3]);
    },
    // The next refresh takes over the cycle that one has left behind.
    again: (request) => ({ ...request, operationId: operationIdFor(FLEET_TENANT, undefined) }),
    detours: {
      AwaitIdle: async (request) => {
        const { operationId } = request;
        await hold(stage, request);
        const { instanceId } = request.request as InstanceRefreshRequest;
        const act = () => stage.holdings.releaseAll(instanceId, operationId);
        stage.faults.afterwards({ operationId, from: '', after: 'ClaimCycle', act });
      },
    },
  }),
};
