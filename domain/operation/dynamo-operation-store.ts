import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { auditKeys } from '../audit/audit-keys.ts';
import { auditIdOf, isAudited } from '../audit/audited-event.ts';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest, Span } from '../page.ts';
import { isTerminal, type Operation } from './operation.ts';
import type { AcceptedEvent, OperationEvent } from './operation-event.ts';
import type { OperationFilter, OperationStore, OperationTimes } from './operation-store.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const NOT_THERE_OR_BEHIND = 'attribute_not_exists(pk) OR seq < :seq';
const { byTenant, byState } = CONTROL_TABLE.indexes;

const partition = (operationId: string) => `OP#${operationId}`;
const place = (seq: number) => `EVT#${String(seq).padStart(8, '0')}`;
const META = 'META';

/** Logs and projections in the control table. */
export class DynamoOperationStore implements OperationStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async putEvent(event: OperationEvent | AcceptedEvent): Promise<boolean> {
    const Item = {
      pk: partition(event.operationId),
      sk: place(event.seq),
      ...event,
      ...requestAsText(event),
      ...(isAudited(event) && auditKeys({ ...event, auditId: auditIdOf(event) })),
    };
    return whenConditionHolds(this.#send(new PutCommand({ ...this.#named, Item, ConditionExpression: NOT_THERE })));
  }

  async readFirst(operationId: string): Promise<AcceptedEvent | undefined> {
    const Key = { pk: partition(operationId), sk: place(1) };
    const { Item } = await this.#send(new GetCommand({ ...this.#named, Key, ConsistentRead: true }));
    return Item && acceptedFrom(Item);
  }

  async readLast(operationId: string): Promise<OperationEvent | AcceptedEvent | undefined> {
    const [last] = await this.#readLog(operationId, { from: 1, limit: 1, newestFirst: true });
    if (last === undefined) return undefined;
    return last['seq'] === 1 ? acceptedFrom(last) : eventFrom(last);
  }

  async readEvents(operationId: string, after: number, limit: number): Promise<OperationEvent[]> {
    const items = await this.#readLog(operationId, { from: after + 1, limit, newestFirst: false });
    return items.map(eventFrom);
  }

  async moveProjection(operation: Operation): Promise<void> {
    const { operationId, tenantId, createdAt, seq } = operation;
    const Item = {
      pk: partition(operationId),
      sk: META,
      ...operation,
      [byTenant.partitionKey]: tenantKey(tenantId),
      [byTenant.sortKey]: `${createdAt}#${operationId}`,
      ...stateKeys(operation),
    };
    await whenConditionHolds(
      this.#send(
        new PutCommand({
          ...this.#named,
          Item,
          ConditionExpression: NOT_THERE_OR_BEHIND,
          ExpressionAttributeValues: { ':seq': seq },
        }),
      ),
    );
  }

  async listByTenant(tenantId: string, filter: OperationFilter, page: PageRequest): Promise<Page<Operation>> {
    const wanted = Object.entries(filter).filter(([, value]) => value !== undefined);
    return queryPage(this.#table, page, {
      index: byTenant,
      partition: tenantKey(tenantId),
      newestFirst: true,
      equal: Object.fromEntries(wanted),
      read: (item) => withoutKeys(item) as Operation,
    });
  }

  async listInSpan(tenantId: string, span: Span, page: PageRequest): Promise<Page<OperationTimes>> {
    return queryPage(this.#table, page, {
      index: byTenant,
      partition: tenantKey(tenantId),
      newestFirst: true,
      between: span,
      equal: {},
      attributes: ['kind', 'status', 'createdAt', 'updatedAt'],
      read: (item) => item as OperationTimes,
    });
  }

  async listOpen(page: PageRequest): Promise<Page<Operation>> {
    return this.#listByState(OPEN, page);
  }

  async listUndoFailed(page: PageRequest): Promise<Page<Operation>> {
    return this.#listByState(UNDO_FAILED, page);
  }

  #listByState(partition: string, page: PageRequest): Promise<Page<Operation>> {
    return queryPage(this.#table, page, {
      index: byState,
      partition,
      newestFirst: false,
      equal: {},
      read: (item) => withoutKeys(item) as Operation,
    });
  }

  async #readLog(operationId: string, range: { from: number; limit: number; newestFirst: boolean }) {
    const { Items = [] } = await this.#send(
      new QueryCommand({
        ...this.#named,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': partition(operationId),
          ':from': place(range.from),
          ':to': place(99_999_999),
        },
        ScanIndexForward: !range.newestFirst,
        Limit: range.limit,
        ConsistentRead: true,
      }),
    );
    return Items;
  }

  get #named() {
    return { TableName: this.#table.tableName };
  }

  get #send() {
    return this.#table.documents.send.bind(this.#table.documents);
  }
}

/** The request is kept as text: nothing in it is queried, and as a nested map it would cost more than all the rest. */
const requestAsText = (event: OperationEvent | AcceptedEvent) =>
  'request' in event ? { request: JSON.stringify(event.request) } : {};

const tenantKey = (tenantId: string) => `TENANT#${tenantId}#OP`;

/** What is not over waits in the index by state, and so does what nobody has finished; all else has left it. */
const OPEN = 'OP#OPEN';
const UNDO_FAILED = 'OP#UNDO_FAILED';
const stateKeys = ({ status, createdAt, operationId }: Operation) => {
  if (isTerminal(status) && status !== 'compensation_failed') return {};
  return {
    [byState.partitionKey]: isTerminal(status) ? UNDO_FAILED : OPEN,
    [byState.sortKey]: `${createdAt}#${operationId}`,
  };
};

const acceptedFrom = (item: Record<string, unknown>): AcceptedEvent =>
  ({ ...withoutKeys(item), request: JSON.parse(item['request'] as string) }) as AcceptedEvent;

const eventFrom = (item: Record<string, unknown>): OperationEvent => {
  const { request: _request, requestHash: _hash, ...event } = withoutKeys(item) as AcceptedEvent;
  return event;
};

const withoutKeys = ({
  pk,
  sk,
  tenantKey: _t,
  createdKey: _c,
  stateKey: _s,
  stateOrder: _o,
  ...content
}: Record<string, unknown>) => content;
