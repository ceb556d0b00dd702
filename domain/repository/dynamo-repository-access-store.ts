import { DeleteCommand, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import type { RepositoryName } from './repository.ts';
import type { AccessStatus, RepositoryAccess, RepositoryAccessStore } from './repository-access.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const NO_NEWER_STANDING = 'attribute_not_exists(standingMark) OR standingMark <= :mark';
const ACTIVE_OR_SUSPENDED = '#status IN (:active, :suspended)';

const { byState } = CONTROL_TABLE.indexes;
/** An access that is being granted or ended is found by the index by state; one that is settled has left it. */
const UNSETTLED = 'ACCESS#UNSETTLED';

/** Accesses in the control table, a tenant's together: IAM tells partitions apart, so they share none with billing. */
export class DynamoRepositoryAccessStore implements RepositoryAccessStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async grant(access: RepositoryAccess): Promise<RepositoryAccess> {
    const Item = { ...keyOf(access.tenantId, access.repository), ...access, ...unsettledKeys(access) };
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
    return accessFrom(Item);
  }

  async activate(tenantId: string, repository: RepositoryName, operationId: string): Promise<boolean> {
    if (await this.#turn(tenantId, repository, operationId, ['granting'], 'active')) return true;
    const access = await this.get(tenantId, repository);
    return access?.operationId === operationId && (access.status === 'active' || access.status === 'suspended');
  }

  async deactivate(tenantId: string, repository: RepositoryName, operationId: string): Promise<void> {
    await this.#turn(tenantId, repository, operationId, ['active', 'suspended'], 'granting');
  }

  async follow(tenantId: string, repository: RepositoryName, status: 'active' | 'suspended', mark: string) {
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tenantId, repository),
          UpdateExpression: 'SET #status = :status, standingMark = :mark',
          ConditionExpression: `(${NO_NEWER_STANDING}) AND ${ACTIVE_OR_SUSPENDED}`,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: {
            ':status': status,
            ':active': 'active',
            ':suspended': 'suspended',
            ':mark': mark,
          },
        }),
      ),
    );
  }

  async listUnsettled(page: PageRequest): Promise<Page<RepositoryAccess>> {
    return queryPage(this.#table, page, {
      index: byState,
      partition: UNSETTLED,
      newestFirst: false,
      equal: {},
      read: accessFrom,
    });
  }

  async end({ tenantId, repository, operationId, status }: RepositoryAccess): Promise<boolean> {
    return status === 'ending' || this.#turn(tenantId, repository, operationId, ['active', 'suspended'], 'ending');
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
    before: readonly AccessStatus[],
    after: AccessStatus,
  ): Promise<boolean> {
    const values = Object.fromEntries(before.map((status) => [`:${status}`, status]));
    const keys = Object.entries(unsettledKeys({ tenantId, repository, status: after }));
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(tenantId, repository),
          UpdateExpression:
            keys.length > 0
              ? `SET #status = :after, ${keys.map(([name]) => `${name} = :${name}`).join(', ')}`
              : `SET #status = :after REMOVE ${byState.partitionKey}, ${byState.sortKey}`,
          ConditionExpression: `operationId = :operation AND #status IN (${Object.keys(values).join(', ')})`,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: {
            ':operation': operationId,
            ':after': after,
            ...values,
            ...Object.fromEntries(keys.map(([name, value]) => [`:${name}`, value])),
          },
        }),
      ),
    );
  }
}

const keyOf = (tenantId: string, repository: string) => ({ pk: `ACCESS#${tenantId}`, sk: `REPOSITORY#${repository}` });

const unsettledKeys = ({
  tenantId,
  repository,
  status,
}: Pick<RepositoryAccess, 'tenantId' | 'repository' | 'status'>): Record<string, string> =>
  status === 'granting' || status === 'ending'
    ? { [byState.partitionKey]: UNSETTLED, [byState.sortKey]: `${tenantId}#${repository}` }
    : {};

const accessFrom = ({
  pk: _pk,
  sk: _sk,
  stateKey: _k,
  stateOrder: _o,
  standingMark: _m,
  ...access
}: Record<string, unknown>): RepositoryAccess => access as RepositoryAccess;
