import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Operation, OperationKind, OperationStatus } from './operation.ts';
import type { AcceptedEvent, OperationEvent } from './operation-event.ts';
import type { OperationFilter, OperationStore } from './operation-store.ts';

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
    const Item = { pk: partition(event.operationId), sk: place(event.seq), ...event, ...requestAsText(event) };
    return whenConditionHolds(this.#send(new PutCommand({ ...this.#named, Item, ConditionExpression: NOT_THERE })));
  }

  async readFirst(operationId: string): Promise<AcceptedEvent | undefined> {
    const Key = { pk: partition(operationId), sk: place(1) };
    const { Item } = await this.#send(new GetCommand({ ...this.#named, Key, ConsistentRead: true }));
    return Item && ({ ...withoutKeys(Item), request: JSON.parse(Item['request'] as string) } as AcceptedEvent);
  }

  async readLast(operationId: string): Promise<OperationEvent | undefined> {
    const [last] = await this.#readLog(operationId, { from: 1, limit: 1, newestFirst: true });
    return last;
  }

  async readEvents(operationId: string, after: number, limit: number): Promise<OperationEvent[]> {
    return this.#readLog(operationId, { from: after + 1, limit, newestFirst: false });
  }

  async moveProjection(operation: Operation): Promise<void> {
    const { operationId, kind, status, tenantId, createdAt, updatedAt, seq } = operation;
    const Item = {
      pk: partition(operationId),
      sk: META,
      ...operation,
      [byTenant.partitionKey]: tenantKey(tenantId),
      [byTenant.sortKey]: `${createdAt}#${operationId}`,
      [byState.partitionKey]: statusKey(kind, status),
      [byState.sortKey]: `${updatedAt}#${operationId}`,
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

  async listByStatus(kind: OperationKind, status: OperationStatus, limit: number): Promise<Operation[]> {
    const { items } = await queryPage(
      this.#table,
      { limit },
      {
        index: byState,
        partition: statusKey(kind, status),
        newestFirst: false,
        equal: {},
        read: (item) => withoutKeys(item) as Operation,
      },
    );
    return items;
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
    return Items.map((item) => eventFrom(item));
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
const statusKey = (kind: OperationKind, status: OperationStatus) => `OP#${kind}#${status}`;

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
