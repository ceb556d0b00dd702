import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import { partitionOf, readPrefix } from '../table/dynamo-table-items.ts';
import type { Backup, BackupKey, BackupStore } from './backup.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const BACKUP_ITEMS = 'BACKUP#';
/** Behind every id of a backup. */
const LAST = '~';

const { byState } = CONTROL_TABLE.indexes;
/** By the index by state, in the order in which their time is over. */
const BACKUPS = 'BACKUPS';

/** Backups in the control table, in the partition of their graph. */
export class DynamoBackupStore implements BackupStore {
  readonly #table: ControlTableClient;
  readonly #now: () => Date;

  constructor(table: ControlTableClient, now: () => Date = () => new Date()) {
    this.#table = table;
    this.#now = now;
  }

  async put(backup: Backup): Promise<Backup> {
    const Item = {
      ...keyOf(backup),
      ...backup,
      [byState.partitionKey]: BACKUPS,
      [byState.sortKey]: `${backup.keptUntil}#${backup.graphId}#${backup.backupId}`,
    };
    const put = await whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: NOT_THERE }),
      ),
    );
    return put ? backup : ((await this.#read(backup)) ?? backup);
  }

  async get(key: BackupKey): Promise<Backup | undefined> {
    const found = await this.#read(key);
    return found && this.#isKept(found) ? found : undefined;
  }

  async list(graphId: string, page: PageRequest): Promise<Page<Backup>> {
    const { items, cursor } = await queryPage(this.#table, page, {
      index: { partitionKey: CONTROL_TABLE.partitionKey, sortKey: CONTROL_TABLE.sortKey },
      partition: partitionOf(graphId),
      newestFirst: true,
      between: { from: BACKUP_ITEMS, to: `${BACKUP_ITEMS}${LAST}` },
      equal: {},
      read: backupFrom,
    });
    return { items: items.filter((backup) => this.#isKept(backup)), cursor };
  }

  async listAll(graphId: string): Promise<Backup[]> {
    const items = await readPrefix(this.#table, graphId, BACKUP_ITEMS);
    return items
      .map(backupFrom)
      .filter((backup) => this.#isKept(backup))
      .reverse();
  }

  async listPast(now: string, limit: number): Promise<Backup[]> {
    const { Items = [] } = await this.#table.documents.send(
      new QueryCommand({
        TableName: this.#table.tableName,
        IndexName: byState.name,
        KeyConditionExpression: `${byState.partitionKey} = :partition AND ${byState.sortKey} <= :now`,
        ExpressionAttributeValues: { ':partition': BACKUPS, ':now': now },
        Limit: limit,
      }),
    );
    return Items.map(backupFrom);
  }

  async remove(key: BackupKey): Promise<void> {
    await this.#table.documents.send(new DeleteCommand({ TableName: this.#table.tableName, Key: keyOf(key) }));
  }

  async #read(key: BackupKey): Promise<Backup | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(key), ConsistentRead: true }),
    );
    return Item && backupFrom(Item);
  }

  #isKept({ keptUntil }: Backup): boolean {
    return keptUntil > this.#now().toISOString();
  }
}

const keyOf = ({ graphId, backupId }: BackupKey) => ({ pk: partitionOf(graphId), sk: `${BACKUP_ITEMS}${backupId}` });

const backupFrom = ({ pk: _p, sk: _s, stateKey: _k, stateOrder: _o, ...backup }: Record<string, unknown>): Backup =>
  backup as Backup;
