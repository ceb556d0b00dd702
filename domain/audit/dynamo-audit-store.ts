import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import { Refusal } from '../failure.ts';
import type { OperationEvent } from '../operation/operation-event.ts';
import type { Page, PageRequest, Span } from '../page.ts';
import type { AuditEntry, AuditStore } from './audit.ts';
import { auditDayKey, auditKeys, auditTenantKey } from './audit-keys.ts';
import { auditEntryOf } from './audited-event.ts';

const { byTenant, byState } = CONTROL_TABLE.indexes;
const DAY_MS = 86_400_000;
const KEPT_DAYS = 400;
/** A page of everybody's entries looks at so many days; one with few entries a day is short and has a cursor. */
const DAYS_A_PAGE = 31;

/** What is read of an event or of an entry: never the request, which can be long. */
const ATTRIBUTES = [
  'auditId',
  'at',
  'type',
  'tenantId',
  'actor',
  'action',
  'operationId',
  'graphId',
  'outcome',
  'detail',
  'seq',
  'kind',
  'status',
  'message',
] as const satisfies readonly (keyof AuditEntry | keyof OperationEvent)[];

/** The audit in the control table: entries of their own, and the events of operations that are entries too. */
export class DynamoAuditStore implements AuditStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(entry: AuditEntry): Promise<void> {
    const expiresAt = Math.floor((Date.parse(entry.at) + KEPT_DAYS * DAY_MS) / 1_000);
    const Item = { pk: `AUDIT#${entry.auditId}`, sk: 'META', ...entry, ...auditKeys(entry), expiresAt };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }

  async listByTenant(tenantId: string, span: Span, page: PageRequest): Promise<Page<AuditEntry>> {
    return this.#listPartition(byTenant, auditTenantKey(tenantId), span, page);
  }

  async list(span: Span, { limit, cursor }: PageRequest): Promise<Page<AuditEntry>> {
    const [first = '', ...others] = daysOf(span);
    const started = cursor === undefined ? { day: first, within: undefined } : placeFrom(cursor);
    const days = [first, ...others].filter((day) => day <= started.day);
    if (days[0] !== started.day) throw unknownCursor();
    const items: AuditEntry[] = [];
    let within = started.within;
    for (const [at, day] of days.entries()) {
      if (items.length === limit || at === DAYS_A_PAGE) return { items, cursor: cursorOf(day) };
      const page = { limit: limit - items.length, cursor: within };
      const found = await this.#listPartition(byState, auditDayKey(day), span, page);
      items.push(...found.items);
      if (found.cursor !== null) return { items, cursor: cursorOf(day, found.cursor) };
      within = undefined;
    }
    return { items, cursor: null };
  }

  #listPartition(
    index: { name: string; partitionKey: string; sortKey: string },
    partition: string,
    between: Span,
    page: PageRequest,
  ): Promise<Page<AuditEntry>> {
    return queryPage(this.#table, page, {
      index,
      partition,
      newestFirst: true,
      between,
      equal: {},
      attributes: ATTRIBUTES,
      read: (item) => ('auditId' in item ? (item as AuditEntry) : auditEntryOf(item as OperationEvent)),
    });
  }
}

/** The days of a span, newest first. */
const daysOf = ({ from, to }: Span): string[] => {
  const days: string[] = [];
  const oldest = from.slice(0, 'yyyy-mm-dd'.length);
  for (let at = Date.parse(to); ; at -= DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 'yyyy-mm-dd'.length);
    if (day < oldest) return days;
    days.push(day);
  }
};

const cursorOf = (day: string, within = ''): string => `${day}.${within}`;

const placeFrom = (cursor: string): { day: string; within: string | undefined } => {
  const [, day, within] = /^(\d{4}-\d{2}-\d{2})\.([\w-]*)$/.exec(cursor) ?? [];
  if (day === undefined) throw unknownCursor();
  return { day, within: within === '' ? undefined : within };
};

const unknownCursor = (): Refusal =>
  new Refusal('invalid_request', 'The cursor is not one that this listing gave out.', {
    issues: [{ path: 'cursor', message: 'Use the `cursor` of the page before, with the same span, or leave it out.' }],
  });
