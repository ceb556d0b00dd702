import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEntry } from '../../../domain/audit/audit.ts';
import { DynamoAuditStore } from '../../../domain/audit/dynamo-audit-store.ts';
import type { ControlTableClient } from '../../../domain/aws/control-table-client.ts';
import { startControlTable } from '../../fixtures/control-table.ts';

let table: ControlTableClient;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ table, close } = await startControlTable());
});
afterAll(() => close());

const denial = (at: string, own: Partial<AuditEntry> = {}): AuditEntry => ({
  auditId: 'any',
  at,
  type: 'denial',
  tenantId: null,
  actor: '',
  action: 'GET /v1/graphs',
  operationId: null,
  graphId: null,
  outcome: 'unauthorized',
  detail: 'ERR_JWT_EXPIRED',
  ...own,
});

/** A client of the table that counts what is sent. */
const counting = () => {
  const sent = { count: 0 };
  const documents = new Proxy(table.documents, {
    get: (target, name) =>
      name === 'send'
        ? (command: Parameters<typeof target.send>[0]) => {
            sent.count += 1;
            return target.send(command);
          }
        : Reflect.get(target, name),
  });
  return { sent, audit: new DynamoAuditStore({ ...table, documents }) };
};

const entriesOf = async (day: string) => {
  const span = { from: `${day}T00:00:00.000Z`, to: `${day}T23:59:59.999Z` };
  return (await new DynamoAuditStore(table).list(span, { limit: 100 })).items;
};

test('a thousand denials of nobody within a minute are one entry and a few writes, by several processes too', async () => {
  const day = '2026-02-01';
  const processes = [counting(), counting()];
  for (let at = 0; at < 1_000; at += 1) {
    const second = String(at % 60).padStart(2, '0');
    const action = `GET /v1/anything/${at}`;
    await processes[at % 2]?.audit.count('token', denial(`${day}T10:00:${second}.000Z`, { action }));
  }
  expect(await entriesOf(day)).toEqual([
    {
      ...denial(`${day}T10:00:00.000Z`, { auditId: `${day}T10:00#token`, action: 'GET /v1/anything/0' }),
      detail: 'ERR_JWT_EXPIRED (the first of at least 512 within a minute)',
    },
  ]);
  for (const { sent } of processes) expect(sent.count).toBeLessThanOrEqual(10);
});

test('another kind, and another minute, have an entry of their own, and one alone reads as any other', async () => {
  const day = '2026-02-02';
  const { audit } = counting();
  await audit.count('token', denial(`${day}T10:00:00.000Z`));
  await audit.count('webhook', denial(`${day}T10:00:01.000Z`, { action: 'POST /v1/billing/webhook' }));
  await audit.count('token', denial(`${day}T10:01:00.000Z`));
  const entries = await entriesOf(day);
  expect(entries.map(({ auditId }) => auditId)).toEqual([
    `${day}T10:01#token`,
    `${day}T10:00#webhook`,
    `${day}T10:00#token`,
  ]);
  for (const { detail } of entries) expect(detail).toBe('ERR_JWT_EXPIRED');
});
