import { expect } from 'vitest';
import { DynamoTierStore } from '../../../../domain/fleet/dynamo-tier-store.ts';
import type { FleetTier } from '../../../../domain/fleet/tier.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import { FLEET_TENANT } from '../../../../domain/operation/operation.ts';
import { OperationCommands, type OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { FleetRefreshRequest } from '../../../../domain/refresh/refresh-plan.ts';
import { childOf, type FleetRefreshResult } from '../../../../domain/refresh/refresh-report.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import type { Stage } from '../stage.ts';

const TIER: FleetTier = 'xlarge';
const INSTANCE = { instanceId: `inst-${TIER}-1` };
const WANTED = `sha256:${'3'.repeat(64)}`;

export const wantImage = async (stage: Stage, tier: FleetTier, image: string): Promise<void> => {
  const tiers = new DynamoTierStore(stage.table);
  await tiers.put({ ...(await tiers.get(tier)), image });
};

export const askForFleetRefresh = (own: Partial<FleetRefreshRequest> = {}): OperationRequest => {
  const request: FleetRefreshRequest = {
    tiers: [TIER],
    instances: null,
    maxWaitMinutes: 30,
    onBusy: 'wait',
    onDeadline: 'defer',
    forceIgnoreBusy: false,
    reason: null,
    forceRestart: false,
    maxConcurrent: 1,
    canary: 1,
    ...own,
  };
  const asked = { kind: 'fleet.refresh', tenantId: FLEET_TENANT, graphId: null, actor: 'olga', request } as const;
  return { operationId: operationIdFor(FLEET_TENANT, undefined), ...asked };
};

/** What the walk opens for the instance. */
const askedOf = ({ operationId, request, ...asked }: OperationRequest): OperationRequest => {
  const { maxWaitMinutes, onBusy, onDeadline, forceIgnoreBusy, reason, forceRestart } = request as FleetRefreshRequest;
  const policy = { maxWaitMinutes, onBusy, onDeadline, forceIgnoreBusy, reason, forceRestart };
  const about = { parentOperationId: operationId, ...INSTANCE, tier: TIER, toImage: WANTED };
  return {
    ...asked,
    operationId: childOf(operationId, INSTANCE),
    kind: 'instance.refresh',
    request: { ...about, ...policy },
  };
};

/** Opens an operation that no execution works for. */
const openWithoutExecution = async ({ log }: Stage, asked: OperationRequest): Promise<string> => {
  const workflows = { start: async () => {}, stop: async () => {}, stateOf: async () => 'absent' as const };
  await new OperationCommands(log, workflows).accept(asked);
  await log.append(asked.operationId, { type: 'started', message: 'Started' });
  return asked.operationId;
};

/**
 * A tier whose instance has the wanted image. A run comes to the wait when another image is wanted: the refresh of the
 * instance is then ended just before the workflow waits, which wakes itself.
 */
export const refreshFleet: MachineUnderTest = {
  name: 'refresh-fleet',
  detours: ['AwaitInstances'],
  polls: ['WalkFleet', 'AwaitInstances'],
  open: async (stage) => {
    const { image = '' } = (await stage.instances.get(INSTANCE.instanceId)) ?? {};
    await wantImage(stage, TIER, image);
    return {
      request: () => askForFleetRefresh(),
      expectDone: ({ operations, items }, { operationId }) => {
        const result = operations.get(operationId)?.result as FleetRefreshResult;
        expect(['unchanged', 'refreshed']).toContain(result.outcome);
        expect(result.instances).toMatchObject([INSTANCE]);
        expect(items.filter(({ sk }) => sk === 'REFRESH')).toEqual([]);
      },
      detours: {
        AwaitInstances: async (request) => {
          await wantImage(stage, TIER, WANTED);
          const child = await openWithoutExecution(stage, askedOf(request));
          const ended = { type: 'succeeded', message: 'Refreshed', result: { outcome: 'refreshed' } } as const;
          const act = () => stage.log.append(child, ended);
          stage.faults.afterwards({ operationId: request.operationId, from: '', after: 'WalkFleet', act });
        },
      },
    };
  },
};
