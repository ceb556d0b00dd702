import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
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
  'times',
] as const satisfies readonly (keyof AuditEntry | keyof OperationEvent | keyof Counted)[];

/** An entry that stands for others too. */
type Counted = AuditEntry & { times?: number };

/** The audit in the control table: entries of their own, and the events of operations that are entries too. */
export class DynamoAuditStore implements AuditStore {
  readonly #table: ControlTableClient;
  /** What this process has seen within the minute, by kind. */
  #seen = { minute: '', times: new Map<string, number>() };

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(entry: AuditEntry): Promise<void> {
    const Item = { ...keyOf(entry.auditId), ...attributesOf(entry) };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }

  async count(kind: string, entry: AuditEntry): Promise<void> {
    const minute = entry.at.slice(0, 'yyyy-mm-ddThh:mm'.length);
    const seen = this.#see(minute, kind);
    // 1, 2, 4, 8, … times: a flood costs few writes, and what is told is more than half of what there was.
    if (!Number.isInteger(Math.log2(seen))) return;
    const auditId = `${minute}#${kind}`;
    const attributes = Object.entries(attributesOf({ ...entry, auditId }));
    await this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(auditId),
        UpdateExpression: `SET ${attributes.map((_, at) => `#a${at} = if_not_exists(#a${at}, :a${at})`).join(', ')} ADD times :more`,
        ExpressionAttributeNames: Object.fromEntries(attributes.map(([name], at) => [`#a${at}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(attributes.map(([, value], at) => [`:a${at}`, value])),
          ':more': Math.ceil(seen / 2),
        },
      }),
    );
  }

  #see(minute: string, kind: string): number {
    if (this.#seen.minute !== minute) this.#seen = { minute, times: new Map() };
    const seen = (this.#seen.times.get(kind) ?? 0) + 1;
    this.#seen.times.set(kind, seen);
    return seen;
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
      read: (item) => ('auditId' in item ? entryFrom(item as Counted) : auditEntryOf(item as OperationEvent)),
    });
  }
}

const keyOf = (auditId: string) => ({ pk: `AUDIT#${auditId}`, sk: 'META' });

const attributesOf = (entry: AuditEntry) => ({
  ...entry,
  ...auditKeys(entry),
  expiresAt: Math.floor((Date.parse(entry.at) + KEPT_DAYS * DAY_MS) / 1_000),
});

const entryFrom = ({ times = 1, ...entry }: Counted): AuditEntry =>
  times === 1 ? entry : { ...entry, detail: `${entry.detail} (the first of at least ${times} within a minute)` };

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
