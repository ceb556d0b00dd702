import { expect } from 'vitest';
import { DynamoAccountStore } from '../../../../domain/billing/dynamo-account-store.ts';
import type { Subscription } from '../../../../domain/billing/subscription.ts';
import { DynamoTierStore } from '../../../../domain/fleet/dynamo-tier-store.ts';
import { DEFAULT_TIERS } from '../../../../domain/fleet/tier.ts';
import { graphIdFor, operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import { acceptedEvent } from '../../../fixtures/operations.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { CAPACITY, type Stage } from '../stage.ts';
import { closedGate } from './closed-gate.ts';

/** Asks for a generic graph. */
export const askForGraph = (own: Record<string, unknown> = {}): OperationRequest => {
  const operationId = operationIdFor('acme', undefined);
  const graphId = graphIdFor(operationId);
  const request = { ...(acceptedEvent().request as object), ...own };
  return { operationId, kind: 'graph.create', tenantId: 'acme', graphId, actor: 'ada', request };
};

/** Has a graph made, and gives its id. */
export const makeGraph = async (stage: Stage, own: Record<string, unknown> = {}): Promise<string> => {
  const asked = askForGraph(own);
  await stage.commands.accept(asked);
  await stage.finish(asked.operationId);
  expect(await stage.log.last(asked.operationId)).toMatchObject({ status: 'succeeded' });
  return asked.graphId ?? '';
};

const SUBSCRIPTION = 'sub-1';

/** Asks for the graph that a subscription has bought, as billing does. */
const askForBoughtGraph = async (accounts: DynamoAccountStore): Promise<OperationRequest> => {
  const asked = askForGraph({ subscriptionId: SUBSCRIPTION });
  const { tenantId, operationId, graphId } = asked;
  await accounts.open(tenantId, SUBSCRIPTION);
  await accounts.begin(tenantId, SUBSCRIPTION, { attempt: 1, operationId, graphId: graphId ?? '' });
  return asked;
};

/** A generic graph, bought by a subscription, on the one instance of its tier. */
export const provisionGraph: MachineUnderTest = {
  name: 'provision-graph',
  detours: ['AwaitInput', 'WaitForCapacity', 'WaitToBuildGraph'],
  open: async (stage) => {
    const accounts = new DynamoAccountStore(stage.table);
    return {
      request: () => askForBoughtGraph(accounts),
      expectDone: ({ items, graphs, instances, objects }, { graphId, operationId }) => {
        const graph = graphs.get(graphId ?? '');
        expect(graph).toMatchObject({
          status: 'active',
          createdBy: operationId,
          writer: null,
          snapshot: { version: 1 },
        });
        expect(objects).toEqual([graph?.snapshot?.key]);
        expect(instances.flatMap(({ slots }) => Object.entries(slots))).toEqual([[graphId, operationId]]);
        const ofTenant = items.filter(({ pk }) => pk === 'TENANT#acme');
        expect(ofTenant).toContainEqual(expect.objectContaining({ sk: `CREDIT#${graphId}`, balance: 1_000 }));
        expect(ofTenant.find(({ sk }) => sk === 'ACCOUNT')).toMatchObject({
          subscriptions: { [SUBSCRIPTION]: { provisioning: { status: 'active', graphId } } },
        });
      },
      whenUndone: (item, { undo }) => {
        if (item.sk !== 'ACCOUNT') return item;
        const { provisioning } = (item['subscriptions'] as Record<string, Subscription>)[SUBSCRIPTION] ?? {};
        const reason = undo?.error?.message ?? 'The operation was cancelled.';
        const failed = { provisioning: { ...provisioning, status: 'failed', reason } };
        return { ...item, subscriptions: { [SUBSCRIPTION]: failed } };
      },
      detours: {
        AwaitInput: async ({ operationId }) => {
          const [standard] = DEFAULT_TIERS;
          if (standard !== undefined) await new DynamoTierStore(stage.table).put({ ...standard, approval: true });
          // The operator is quicker than the workflow, which comes to wait for what is there already.
          const act = () => stage.inputs.answer(operationId, 'approve', { actor: 'olga' });
          stage.faults.afterwards({ operationId, from: '', after: 'TakeSlot', act });
        },
        WaitForCapacity: async ({ operationId }) => {
          await stage.setCapacity('inst-standard-1', 0);
          // Room comes just before the workflow waits for it: it serves itself.
          const act = () => stage.setCapacity('inst-standard-1', CAPACITY);
          stage.faults.afterwards({ operationId, from: '', after: 'TakeSlot', act });
        },
        WaitToBuildGraph: async ({ operationId }) => {
          // Once the slot is taken: an instance that is drained gives none.
          const act = () => closedGate(stage, 'standard', 'BuildGraph')({ operationId });
          stage.faults.afterwards({ operationId, from: '', after: 'TakeSlot', act });
        },
      },
    };
  },
};
