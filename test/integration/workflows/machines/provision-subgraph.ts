import { expect } from 'vitest';
import { graphIdFor, operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import type { Stage } from '../stage.ts';
import { closedGate } from './closed-gate.ts';
import { askForGraph, makeGraph } from './provision-graph.ts';

/** Asks for a subgraph. */
const askForSubgraph = (parentId: string, name: string): OperationRequest => {
  const operationId = operationIdFor('acme', undefined);
  const { request } = askForGraph({ parentId, name });
  const graphId = graphIdFor(operationId);
  return { operationId, kind: 'subgraph.create', tenantId: 'acme', graphId, actor: 'ada', request };
};

/** Has a subgraph made, and gives its id. */
export const makeSubgraph = async (stage: Stage, parentId: string, name: string): Promise<string> => {
  const asked = askForSubgraph(parentId, name);
  await stage.commands.accept(asked);
  await stage.finish(asked.operationId);
  expect(await stage.log.last(asked.operationId)).toMatchObject({ status: 'succeeded' });
  return asked.graphId ?? '';
};

/** An empty subgraph, beside another one. */
export const provisionSubgraph: MachineUnderTest = {
  name: 'provision-subgraph',
  detours: ['WaitToBuildGraph'],
  open: async (stage) => {
    const parentId = await makeGraph(stage);
    const siblingId = await makeSubgraph(stage, parentId, 'elder');
    return {
      request: () => askForSubgraph(parentId, 'younger'),
      detours: { WaitToBuildGraph: closedGate(stage, 'standard', 'BuildGraph') },
      expectDone: ({ graphs, instances, objects }, { graphId }) => {
        expect(graphs.get(graphId ?? '')).toMatchObject({ status: 'active', parentId, writer: null });
        expect(graphs.get(parentId)?.subgraphs).toEqual({ elder: siblingId, younger: graphId });
        expect(objects).toHaveLength(3);
        expect(instances.flatMap(({ slots }) => Object.keys(slots))).toEqual([parentId]);
      },
    };
  },
};
