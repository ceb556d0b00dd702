import { expect } from 'vitest';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import { closedGate } from './closed-gate.ts';
import { makeBackup } from './create-backup.ts';
import { makeGraph } from './provision-graph.ts';

/** A graph with a backup of it. */
export const restoreBackup: MachineUnderTest = {
  name: 'restore-backup',
  detours: ['WaitToBackUpCurrent', 'WaitToRestoreSnapshot'],
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    const backupId = await makeBackup(stage, graphId);
    const ask = (): OperationRequest => ({
      operationId: operationIdFor('acme', undefined),
      kind: 'backup.restore',
      tenantId: 'acme',
      graphId,
      actor: 'ada',
      request: { backupId },
    });
    return {
      request: ask,
      again: ask,
      detours: {
        WaitToBackUpCurrent: closedGate(stage, 'standard', 'BackUpCurrent'),
        WaitToRestoreSnapshot: async ({ operationId }) => {
          const act = () => closedGate(stage, 'standard', 'RestoreSnapshot')({ operationId });
          stage.faults.afterwards({ operationId, from: '', after: 'BackUpCurrent', act });
        },
      },
      expectDone: ({ items, graphs }, { operationId }) => {
        const graph = graphs.get(graphId);
        const backups = items.filter(({ sk }) => sk.startsWith('BACKUP#'));
        const restored = backups.find((item) => item['backupId'] === backupId);
        expect(graph).toMatchObject({ writer: null, snapshot: { version: 2, checksum: restored?.['checksum'] } });
        expect(backups.find((item) => item['operationId'] === operationId)).toMatchObject({
          kind: 'system',
          snapshotVersion: 1,
        });
      },
    };
  },
};
