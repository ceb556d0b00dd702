import { expect } from 'vitest';
import { DynamoTierStore } from '../../../../domain/fleet/dynamo-tier-store.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { CAPACITY } from '../stage.ts';
import { closedGate } from './closed-gate.ts';
import { makeGraph } from './provision-graph.ts';

const askForTier = (graphId: string, tier: string): OperationRequest => ({
  operationId: operationIdFor('acme', undefined),
  kind: 'graph.change_tier',
  tenantId: 'acme',
  graphId,
  actor: 'ada',
  request: { graphId, tier },
});

/** A graph on `standard` that moves to `large`; what stopped behind the switch is finished by the way back. */
export const changeTier: MachineUnderTest = {
  name: 'change-tier',
  detours: ['AwaitInput', 'WaitForCapacity', 'WaitToWarmGraph'],
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    return {
      request: () => askForTier(graphId, 'large'),
      again: () => askForTier(graphId, 'standard'),
      expectDone: ({ graphs, instances }, { request, operationId }) => {
        const { tier } = request as { tier: string };
        expect(graphs.get(graphId)).toMatchObject({ status: 'active', tier, placement: `inst-${tier}-1`, move: null });
        const held = instances.flatMap(({ instanceId, slots }) =>
          Object.entries(slots).map(([graph, by]) => [instanceId, graph, by]),
        );
        expect(held).toEqual([[`inst-${tier}-1`, graphId, operationId]]);
      },
      detours: {
        WaitToWarmGraph: async ({ operationId }) => {
          const act = () => closedGate(stage, 'large', 'WarmGraph')({ operationId });
          stage.faults.afterwards({ operationId, from: '', after: 'TakeTierSlot', act });
        },
        AwaitInput: async ({ operationId }) => {
          const tiers = new DynamoTierStore(stage.table);
          for (const tier of await tiers.list())
            if (tier.tier === 'large') await tiers.put({ ...tier, approval: true });
          // The operator is quicker than the workflow, which comes to wait for what is there already.
          const act = () => stage.inputs.answer(operationId, 'approve', { actor: 'olga' });
          stage.faults.afterwards({ operationId, from: '', after: 'TakeTierSlot', act });
        },
        WaitForCapacity: async ({ operationId }) => {
          await stage.setCapacity('inst-large-1', 0);
          // Room comes just before the workflow waits for it: it serves itself.
          const act = () => stage.setCapacity('inst-large-1', CAPACITY);
          stage.faults.afterwards({ operationId, from: '', after: 'TakeTierSlot', act });
        },
      },
    };
  },
};
