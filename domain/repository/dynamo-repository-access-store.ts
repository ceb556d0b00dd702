import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { RepositoryName } from './repository.ts';
import type { AccessStatus, RepositoryAccess, RepositoryAccessStore } from './repository-access.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const MINE_AS_BEFORE = 'operationId = :operation AND #status = :before';

/** Accesses in the control table, a tenant's together: IAM tells partitions apart, so they share none with billing. */
export class DynamoRepositoryAccessStore implements RepositoryAccessStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async grant(access: RepositoryAccess): Promise<RepositoryAccess> {
    const Item = { ...keyOf(access.tenantId, access.repository), ...access };
    const { documents, tableName } = this.#table;
    const granted = await whenConditionHolds(
      documents.send(new PutCommand({ TableName: tableName, Item, ConditionExpression: NOT_THERE })),
    );
    return granted ? access : ((await this.get(access.tenantId, access.repository)) ?? access);
  }

  async get(tenantId: string, repository: string): Promise<RepositoryAccess | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId, repository), ConsistentRead: true }),
    );
    if (Item === undefined) return undefined;
    const { pk: _pk, sk: _sk, ...access } = Item;
    return access as RepositoryAccess;
  }

  async activate(tenantId: string, repository: RepositoryName, operationId: string): Promise<boolean> {
    if (await this.#turn(tenantId, repository, operationId, 'granting', 'active')) return true;
    const access = await this.get(tenantId, repository);
    return access?.operationId === operationId && access.status === 'active';
  }

  async deactivate(tenantId: string, repository: RepositoryName, operationId: string): Promise<void> {
    await this.#turn(tenantId, repository, operationId, 'active', 'granting');
  }

  async end({ tenantId, repository, operationId, status }: RepositoryAccess): Promise<boolean> {
    return status === 'ending' || this.#turn(tenantId, repository, operationId, 'active', 'ending');
  }

  async remove(
    tenantId: string,
    repository: RepositoryName,
    operationId: string,
    statuses: readonly AccessStatus[],
  ): Promise<void> {
    const values = Object.fromEntries(statuses.map((status) => [`:${status}`, status]));
    await whenConditionHolds(
      this.#table.documents.send(
        new DeleteCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tenantId, repository),
          ConditionExpression: `operationId = :operation AND #status IN (${Object.keys(values).join(', ')})`,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':operation': operationId, ...values },
        }),
      ),
    );
  }

  #turn(
    tenantId: string,
    repository: RepositoryName,
    operationId: string,
    before: AccessStatus,
    after: AccessStatus,
  ): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tenantId, repository),
          UpdateExpression: 'SET #status = :after',
          ConditionExpression: MINE_AS_BEFORE,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':operation': operationId, ':before': before, ':after': after },
        }),
      ),
    );
  }
}

const keyOf = (tenantId: string, repository: string) => ({ pk: `ACCESS#${tenantId}`, sk: `REPOSITORY#${repository}` });
