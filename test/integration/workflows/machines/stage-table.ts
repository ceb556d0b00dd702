import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fileIdFor, operationIdFor } from '../../../../domain/identifier.ts';
import type { OperationRequest } from '../../../../domain/operation/operation-commands.ts';
import { rowsIn, type StageMode } from '../../../../domain/table/table.ts';
import { type TableFile, uploadKey } from '../../../../domain/table/table-file.ts';
import type { MachineUnderTest } from '../machine-under-test.ts';
import type { Stage } from '../stage.ts';
import { closedGate } from './closed-gate.ts';
import { makeGraph } from './provision-graph.ts';

/** The node of a plain graph. */
export const TABLE = 'Entity';

/** Puts a file where a tenant's upload would be, and gives its id. */
const uploadRows = async (stage: Stage, graphId: string, table: string, rows: string): Promise<string> => {
  const fileId = fileIdFor({ graphId, table }, undefined);
  const file: TableFile = {
    graphId,
    table,
    fileId,
    fileName: 'rows.csv',
    format: 'csv',
    compression: 'none',
    delimiter: null,
    bytes: Buffer.byteLength(rows),
    checksum: createHash('sha256').update(rows).digest('hex'),
    createdBy: 'ada',
    createdAt: '2026-01-01T00:00:00.000Z',
    keptUntil: '2126-01-01T00:00:00.000Z',
    uploadedAt: '2026-01-01T00:00:01.000Z',
    stagedBy: null,
  };
  const path = join(tmpdir(), fileId);
  await writeFile(path, rows);
  await stage.objects.upload(uploadKey(file), path);
  await stage.files.create(file);
  return fileId;
};

const askToStage = (graphId: string, table: string, fileId: string, mode: StageMode): OperationRequest => ({
  operationId: operationIdFor('acme', undefined),
  kind: `table.${mode}`,
  tenantId: 'acme',
  graphId,
  actor: 'ada',
  request: { table, fileIds: [fileId], mode, ignoreErrors: false },
});

/** Has a table staged. */
export const stageRows = async (stage: Stage, graphId: string, table: string, rows: string): Promise<void> => {
  const asked = askToStage(graphId, table, await uploadRows(stage, graphId, table, rows), 'create');
  await stage.commands.accept(asked);
  await stage.finish(asked.operationId);
  expect(await stage.log.last(asked.operationId)).toMatchObject({ status: 'succeeded' });
};

/** Rows that are added to those that are staged already. */
export const stageTable: MachineUnderTest = {
  name: 'stage-table',
  detours: ['WaitToStageFiles'],
  open: async (stage) => {
    const graphId = await makeGraph(stage);
    await stageRows(stage, graphId, TABLE, 'identifier\nfirst\n');
    const fileId = await uploadRows(stage, graphId, TABLE, 'identifier\nsecond\nthird\n');
    const ask = () => askToStage(graphId, TABLE, fileId, 'insert');
    return {
      request: ask,
      again: ask,
      detours: { WaitToStageFiles: closedGate(stage, 'standard', 'StageFiles') },
      // That its claim has ended is remembered; that is all.
      whenUndone: (item) => (item.sk === `TABLE#${TABLE}` ? { ...item, revision: expect.any(Number) } : item),
      expectDone: ({ items, objects }, { operationId }) => {
        const table = items.find(({ sk }) => sk === `TABLE#${TABLE}`) as unknown as Parameters<typeof rowsIn>[0];
        expect(table).toMatchObject({ version: 2, writer: null, stagedBy: operationId });
        expect(rowsIn(table)).toBe(3);
        expect(objects.filter((key) => key.includes('/tables/'))).toEqual(table.parts.map(({ key }) => key));
        expect(items.find(({ sk }) => sk.endsWith(fileId))).toMatchObject({ stagedBy: operationId });
      },
    };
  },
};
