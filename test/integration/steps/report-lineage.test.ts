import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LineageReport } from '../../../domain/lineage/lineage-event.ts';
import { OpenLineageRunEvent } from '../../fixtures/open-lineage.ts';
import { type StepsOnTable, stepsOnTable } from './steps-on-table.ts';

const report: LineageReport = {
  type: 'START',
  at: '2026-01-01T00:00:00.000Z',
  operationId: 'op_01J',
  tenantId: 'acme',
  graphId: 'kg1',
  inputs: [],
  output: null,
  error: null,
};

let onTable: StepsOnTable<never>;
let catalogue: Server;
let environment: { CONTROL_TABLE_NAME: string; LINEAGE_URL: string };
const told: unknown[] = [];

beforeAll(async () => {
  catalogue = createServer((request, response) => {
    void text(request).then((event) => {
      told.push(JSON.parse(event));
      response.writeHead(201).end();
    });
  }).listen(0, '127.0.0.1');
  await once(catalogue, 'listening');
  const url = `http://127.0.0.1:${(catalogue.address() as AddressInfo).port}/api/v1/lineage`;
  onTable = await stepsOnTable([], { LINEAGE_URL: url });
  environment = { CONTROL_TABLE_NAME: onTable.table.tableName, LINEAGE_URL: url };
});
afterAll(async () => {
  catalogue.close();
  await onTable.close();
});

test('what a step reports, the schedule posts', async () => {
  const { reportLineage } = await import('../../../functions/wiring/lineage.ts');
  const { handler } = await import('../../../functions/reconcile/deliver-lineage.ts');
  await reportLineage(environment)(report);
  await reportLineage(environment)(report);
  await reportLineage(environment)({ ...report, type: 'COMPLETE' });
  // The step has not waited for the catalogue.
  expect(told).toEqual([]);
  expect(await handler({}, {} as Context)).toEqual({ processed: 2, failed: 0, dead: 0 });
  expect(told.map((event) => OpenLineageRunEvent.parse(event).eventType)).toEqual(['START', 'COMPLETE']);
  expect(await handler({}, {} as Context)).toEqual({ processed: 0, failed: 0, dead: 0 });
});

test('where nobody wants lineage, nothing is kept', async () => {
  const { lineageOutbox, lineageStore, reportLineage } = await import('../../../functions/wiring/lineage.ts');
  const { LINEAGE_URL: _, ...without } = environment;
  await reportLineage(without)({ ...report, type: 'FAIL' });
  expect(lineageOutbox(without)).toBeUndefined();
  expect((await lineageStore(environment).list('received', { limit: 10 })).items).toEqual([]);
});
