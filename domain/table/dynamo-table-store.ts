import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import { FILE_ITEMS, PENDING_ITEMS, partitionOf, readPrefix, TABLE_ITEMS } from './dynamo-table-items.ts';
import { emptyTable, type GraphTable, type TableStore, type UnsettledTable } from './table.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const AS_READ = 'revision = :revision';

const { byState } = CONTROL_TABLE.indexes;
/** Where the tables are listed that wait for a snapshot. */
const UNSETTLED = 'GRAPH#STALE';
/** A claim that comes after its graph has gone leaves an item; one without a version goes by itself. */
const EMPTY_KEPT_SECONDS = 30 * 86_400;
const REMOVED_AT_ONCE = 25;

/** Tables in the control table, in the partition of their graph. */
export class DynamoTableStore implements TableStore {
  readonly #table: ControlTableClient;
  readonly #nowMs: () => number;

  constructor(table: ControlTableClient, nowMs: () => number = Date.now) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  async get(graphId: string, table: string): Promise<GraphTable> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(graphId, table), ConsistentRead: true }),
    );
    return Item === undefined ? emptyTable(graphId, table) : tableFrom(Item);
  }

  async list(graphId: string): Promise<GraphTable[]> {
    return (await readPrefix(this.#table, graphId, TABLE_ITEMS)).map(tableFrom);
  }

  async replace({ revision }: GraphTable, after: GraphTable): Promise<boolean> {
    const { graphId, table, version, unsettledSince } = after;
    const Item = {
      ...keyOf(graphId, table),
      ...after,
      ...(unsettledSince !== null && {
        [byState.partitionKey]: UNSETTLED,
        [byState.sortKey]: `${unsettledSince}#${graphId}#${table}`,
      }),
      ...(version === 0 && { expiresAt: Math.floor(this.#nowMs() / 1_000) + EMPTY_KEPT_SECONDS }),
    };
    const condition =
      revision === 0
        ? { ConditionExpression: NOT_THERE }
        : { ConditionExpression: AS_READ, ExpressionAttributeValues: { ':revision': revision } };
    return whenConditionHolds(
      this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item, ...condition })),
    );
  }

  async listUnsettled(page: PageRequest): Promise<Page<UnsettledTable>> {
    return queryPage(this.#table, page, {
      index: byState,
      partition: UNSETTLED,
      newestFirst: false,
      equal: {},
      attributes: ['graphId', 'table', 'unsettledSince', 'pk', 'sk', byState.partitionKey, byState.sortKey],
      read: (item) => {
        const { graphId, table, unsettledSince } = item as GraphTable;
        return { graphId, table, since: unsettledSince ?? '' };
      },
    });
  }

  async erase(graphId: string, most: number): Promise<number> {
    let removed = 0;
    for (const prefix of [FILE_ITEMS, PENDING_ITEMS, TABLE_ITEMS]) {
      removed += await this.#removePrefix(graphId, prefix, most - removed);
    }
    return removed;
  }

  async #removePrefix(graphId: string, prefix: string, most: number): Promise<number> {
    let removed = 0;
    while (removed < most) {
      const { Items = [] } = await this.#table.documents.send(
        new QueryCommand({
          TableName: this.#table.tableName,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ProjectionExpression: 'pk, sk',
          ExpressionAttributeValues: { ':pk': partitionOf(graphId), ':prefix': prefix },
          ConsistentRead: true,
          Limit: Math.min(REMOVED_AT_ONCE, most - removed),
        }),
      );
      if (Items.length === 0) return removed;
      await Promise.all(
        Items.map(({ pk, sk }) =>
          this.#table.documents.send(new DeleteCommand({ TableName: this.#table.tableName, Key: { pk, sk } })),
        ),
      );
      removed += Items.length;
    }
    return removed;
  }
}

const keyOf = (graphId: string, table: string) => ({ pk: partitionOf(graphId), sk: `${TABLE_ITEMS}${table}` });

const tableFrom = ({
  pk: _p,
  sk: _s,
  [byState.partitionKey]: _k,
  [byState.sortKey]: _o,
  expiresAt: _e,
  ...table
}: Record<string, unknown>): GraphTable => ({ source: null, ...table }) as GraphTable;
