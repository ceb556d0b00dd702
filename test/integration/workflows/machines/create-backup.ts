import { expect } from 'vitest';
import { backupIdFor } from '../../../../domain/backup/backup.ts';
import { operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import type { Stage } from '../stage.ts';
import { closedGate } from './closed-gate.ts';
import { makeGraph } from './provision-graph.ts';

const ask = (graphId: string): OperationRequest => ({
  operationId: operationIdFor('acme', undefined),
  kind: 'backup.create',
  tenantId: 'acme',
  graphId,
  actor: 'ada',
  request: { kind: 'manual' },
});

/** Has a graph backed up, and gives the backup's id. */
export const makeBackup = async (stage: Stage, graphId: string): Promise<string> => {
  const asked = ask(graphId);
  await stage.commands.accept(asked);
  await stage.finish(asked.operationId);
  const last = await stage.log.last(asked.operationId);
  expect(last).toMatchObject({ status: 'succeeded' });
  return backupIdFor(last);
};

/** A graph that was backed up before. */
export const createBackup: MachineUnderTest = {
  name: 'create-backup',
  detours: ['WaitToBackUpSnapshot'],
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    await makeBackup(stage, graphId);
    return {
      request: () => ask(graphId),
      detours: { WaitToBackUpSnapshot: closedGate(stage, 'standard', 'BackUpSnapshot') },
      expectDone: ({ items, graphs, objects }, { operationId }) => {
        const { snapshot, writer } = graphs.get(graphId) ?? {};
        expect(writer).toBeNull();
        const backup = items.find((item) => item.sk.startsWith('BACKUP#') && item['operationId'] === operationId);
        expect(backup).toMatchObject({ kind: 'manual', checksum: snapshot?.checksum, snapshotVersion: 1 });
        expect(objects.filter((key) => key.startsWith('backups/'))).toHaveLength(2);
      },
    };
  },
};
