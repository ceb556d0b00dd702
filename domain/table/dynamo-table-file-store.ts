import { DeleteCommand, GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import { FILE_ITEMS, PENDING_ITEMS, partitionOf, readPrefix } from './dynamo-table-items.ts';
import { type FileKey, MAX_PENDING_FILES, type TableFile, type TableFileStore } from './table-file.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const THERE = 'attribute_exists(pk)';
const HAS_ROOM_OR_HOLDS_IT = 'size(pending) < :most OR attribute_exists(pending.#file)';
const NOT_UPLOADED = 'attribute_exists(pk) AND attribute_type(uploadedAt, :null)';
const WAITS = 'attribute_exists(pending.#file)';
/** Behind every id of a file. */
const LAST = '~';

type Pending = Readonly<Record<string, string>>;

/** Files in the control table, in the partition of their graph; and of each table one item with those that wait. */
export class DynamoTableFileStore implements TableFileStore {
  readonly #table: ControlTableClient;
  readonly #nowMs: () => number;

  constructor(table: ControlTableClient, nowMs: () => number = Date.now) {
    this.#table = table;
    this.#nowMs = nowMs;
  }

  async admit(file: FileKey, keptUntil: string): Promise<boolean> {
    if ((await this.#add(file, keptUntil)) || (await this.#addFirst(file, keptUntil))) return true;
    // Another was the first meanwhile, or those whose time is over take the room.
    await this.#forgetPast(file);
    return this.#add(file, keptUntil);
  }

  async create(file: TableFile): Promise<TableFile> {
    const Item = { ...keyOf(file), ...file, expiresAt: secondsOf(file.keptUntil) };
    const created = await whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({
          TableName: this.#table.tableName,
          Item,
          // One whose time is over may be there until the table gets to remove it.
          ConditionExpression: `${NOT_THERE} OR keptUntil <= :now`,
          ExpressionAttributeValues: { ':now': this.#now() },
        }),
      ),
    );
    return created ? file : ((await this.get(file)) ?? file);
  }

  async get(file: FileKey): Promise<TableFile | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(file), ConsistentRead: true }),
    );
    const found = Item && fileFrom(Item);
    return found && this.#isKept(found.keptUntil) ? found : undefined;
  }

  async list(graphId: string, table: string, page: PageRequest): Promise<Page<TableFile>> {
    const prefix = keyOf({ graphId, table, fileId: '' }).sk;
    const { items, cursor } = await queryPage(this.#table, page, {
      index: { partitionKey: CONTROL_TABLE.partitionKey, sortKey: CONTROL_TABLE.sortKey },
      partition: partitionOf(graphId),
      newestFirst: false,
      between: { from: prefix, to: `${prefix}${LAST}` },
      equal: {},
      read: fileFrom,
    });
    return { items: items.filter(({ keptUntil }) => this.#isKept(keptUntil)), cursor };
  }

  async countPending(graphId: string): Promise<ReadonlyMap<string, number>> {
    const items = await readPrefix(this.#table, graphId, PENDING_ITEMS);
    const counts = items.map(({ table, pending }): [string, number] => [
      table as string,
      Object.values(pending as Pending).filter((until) => this.#isKept(until)).length,
    ]);
    return new Map(counts.filter(([, count]) => count > 0));
  }

  async markUploaded(file: FileKey, at: string): Promise<void> {
    await this.#update(keyOf(file), {
      UpdateExpression: 'SET uploadedAt = :at',
      ConditionExpression: NOT_UPLOADED,
      ExpressionAttributeValues: { ':at': at, ':null': 'NULL' },
    });
  }

  async markStaged(file: FileKey, operationId: string): Promise<void> {
    await this.#update(keyOf(file), {
      UpdateExpression: 'SET stagedBy = :operation',
      ConditionExpression: THERE,
      ExpressionAttributeValues: { ':operation': operationId },
    });
    await this.#forget(file);
  }

  async remove(file: FileKey): Promise<void> {
    await this.#table.documents.send(new DeleteCommand({ TableName: this.#table.tableName, Key: keyOf(file) }));
    await this.#forget(file);
  }

  #add(file: FileKey, keptUntil: string): Promise<boolean> {
    return this.#update(pendingKey(file), {
      UpdateExpression: 'SET pending.#file = :until, expiresAt = :last',
      ConditionExpression: HAS_ROOM_OR_HOLDS_IT,
      ExpressionAttributeNames: { '#file': file.fileId },
      ExpressionAttributeValues: { ':until': keptUntil, ':last': secondsOf(keptUntil), ':most': MAX_PENDING_FILES },
    });
  }

  #addFirst(file: FileKey, keptUntil: string): Promise<boolean> {
    const pending: Pending = { [file.fileId]: keptUntil };
    const Item = { ...pendingKey(file), table: file.table, pending, expiresAt: secondsOf(keptUntil) };
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: NOT_THERE }),
      ),
    );
  }

  /** Takes those out that wait no more because their time is over. */
  async #forgetPast(file: FileKey): Promise<void> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: pendingKey(file), ConsistentRead: true }),
    );
    const pending = (Item?.['pending'] ?? {}) as Pending;
    const past = Object.keys(pending).filter((fileId) => !this.#isKept(pending[fileId] ?? ''));
    for (const fileId of past) await this.#forget({ ...file, fileId });
  }

  async #forget(file: FileKey): Promise<void> {
    await this.#update(pendingKey(file), {
      UpdateExpression: 'REMOVE pending.#file',
      ConditionExpression: WAITS,
      ExpressionAttributeNames: { '#file': file.fileId },
    });
  }

  #isKept(until: string): boolean {
    return until > this.#now();
  }

  #now(): string {
    return new Date(this.#nowMs()).toISOString();
  }

  #update(Key: { pk: string; sk: string }, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(new UpdateCommand({ TableName: this.#table.tableName, Key, ...update })),
    );
  }
}

const secondsOf = (time: string): number => Math.floor(Date.parse(time) / 1_000);

const keyOf = ({ graphId, table, fileId }: FileKey) => ({
  pk: partitionOf(graphId),
  sk: `${FILE_ITEMS}${table}#${fileId}`,
});
const pendingKey = ({ graphId, table }: FileKey) => ({ pk: partitionOf(graphId), sk: `${PENDING_ITEMS}${table}` });

const fileFrom = ({ pk: _p, sk: _s, expiresAt: _e, ...file }: Record<string, unknown>): TableFile => file as TableFile;
