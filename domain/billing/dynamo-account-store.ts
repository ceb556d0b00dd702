import { GetCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { Account, AccountStore, ProvisioningAttempt } from './account.ts';
import { NOT_PROVISIONED, type Provisioning, type Standing, type Subscription, type Terms } from './subscription.ts';

const NOT_YET_MARKED = (fact: string) =>
  `attribute_not_exists(subscriptions.#id.#${fact}) OR subscriptions.#id.#${fact}.mark < :mark`;
const UNTOUCHED = 'subscriptions.#id.#provisioning.#status = :pending';
/** The graph that a provisioned subscription has is its own; one that has none may get one. */
const MAY_BEGIN = `subscriptions.#id.#provisioning.attempt = :before AND
  (subscriptions.#id.#provisioning.#status IN (:pending, :failed) OR
    subscriptions.#id.#provisioning.#status = :active AND attribute_type(subscriptions.#id.#provisioning.graphId, :null))`;
const ITS_ATTEMPT = 'subscriptions.#id.#provisioning.operationId = :operation';
const UNDER_WAY = `${ITS_ATTEMPT} AND subscriptions.#id.#provisioning.#status IN (:provisioning, :active)`;
const NAMES = ['provisioning', 'standing', 'terms', 'status'] as const;

type Change = Omit<UpdateCommandInput, 'TableName' | 'Key'>;

/** Accounts in the control table: one item each. */
export class DynamoAccountStore implements AccountStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async get(tenantId: string): Promise<Account> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId), ConsistentRead: true }),
    );
    return accountFrom(tenantId, Item);
  }

  async open(tenantId: string, subscriptionId: string): Promise<void> {
    await this.#update(tenantId, {
      UpdateExpression: 'SET subscriptions = if_not_exists(subscriptions, :none)',
      ExpressionAttributeValues: { ':none': {} },
    });
    await this.#change(tenantId, subscriptionId, {
      UpdateExpression: 'SET subscriptions.#id = if_not_exists(subscriptions.#id, :new)',
      ExpressionAttributeValues: { ':new': { provisioning: NOT_PROVISIONED } },
    });
  }

  async moveStanding(tenantId: string, subscriptionId: string, standing: Standing): Promise<void> {
    await this.#move(tenantId, subscriptionId, 'standing', standing);
  }

  async moveTerms(tenantId: string, subscriptionId: string, terms: Terms): Promise<void> {
    await this.#move(tenantId, subscriptionId, 'terms', terms);
  }

  async close(tenantId: string, subscriptionId: string, { status, reason }: Pick<Provisioning, 'status' | 'reason'>) {
    await this.#change(tenantId, subscriptionId, {
      UpdateExpression:
        'SET subscriptions.#id.#provisioning.#status = :status, subscriptions.#id.#provisioning.reason = :reason',
      ConditionExpression: UNTOUCHED,
      ExpressionAttributeValues: { ':pending': 'pending', ':status': status, ':reason': reason },
    });
  }

  async begin(tenantId: string, subscriptionId: string, attempt: ProvisioningAttempt): Promise<boolean> {
    return this.#change(tenantId, subscriptionId, {
      UpdateExpression: 'SET subscriptions.#id.#provisioning = :begun',
      ConditionExpression: MAY_BEGIN,
      ExpressionAttributeValues: {
        ':begun': { ...attempt, status: 'provisioning', reason: null },
        ':before': attempt.attempt - 1,
        ':pending': 'pending',
        ':failed': 'failed',
        ':active': 'active',
        ':null': 'NULL',
      },
    });
  }

  async activate(tenantId: string, subscriptionId: string, operationId: string): Promise<boolean> {
    return this.#change(tenantId, subscriptionId, {
      UpdateExpression: 'SET subscriptions.#id.#provisioning.#status = :active',
      ConditionExpression: UNDER_WAY,
      ExpressionAttributeValues: { ':provisioning': 'provisioning', ':active': 'active', ':operation': operationId },
    });
  }

  async fail(tenantId: string, subscriptionId: string, operationId: string, reason: string): Promise<void> {
    await this.#change(tenantId, subscriptionId, {
      UpdateExpression:
        'SET subscriptions.#id.#provisioning.#status = :failed, subscriptions.#id.#provisioning.reason = :reason',
      ConditionExpression: UNDER_WAY,
      ExpressionAttributeValues: {
        ':provisioning': 'provisioning',
        ':active': 'active',
        ':failed': 'failed',
        ':reason': reason,
        ':operation': operationId,
      },
    });
  }

  #move(tenantId: string, subscriptionId: string, name: 'standing' | 'terms', fact: Standing | Terms) {
    return this.#change(tenantId, subscriptionId, {
      UpdateExpression: `SET subscriptions.#id.#${name} = :fact ADD revision :change`,
      ConditionExpression: NOT_YET_MARKED(name),
      ExpressionAttributeValues: { ':fact': fact, ':mark': fact.mark, ':change': 1 },
    });
  }

  /** Changes one subscription of the account, `#id`. */
  #change(tenantId: string, subscriptionId: string, change: Change): Promise<boolean> {
    const text = `${change.UpdateExpression} ${change.ConditionExpression}`;
    const named = NAMES.filter((name) => text.includes(`#${name}`)).map((name) => [`#${name}`, name]);
    const ExpressionAttributeNames = { '#id': subscriptionId, ...Object.fromEntries(named) };
    return whenConditionHolds(this.#update(tenantId, { ...change, ExpressionAttributeNames }));
  }

  #update(tenantId: string, update: Change) {
    return this.#table.documents.send(
      new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(tenantId), ...update }),
    );
  }
}

const keyOf = (tenantId: string) => ({ pk: `TENANT#${tenantId}`, sk: 'ACCOUNT' });

const accountFrom = (tenantId: string, item: Record<string, unknown> | undefined): Account => {
  const subscriptions = (item?.['subscriptions'] ?? {}) as Record<string, Partial<Subscription>>;
  return {
    tenantId,
    revision: (item?.['revision'] as number | undefined) ?? 0,
    subscriptions: Object.entries(subscriptions).map(([subscriptionId, { standing, terms, provisioning }]) => ({
      subscriptionId,
      standing: standing ?? null,
      terms: terms ?? null,
      provisioning: provisioning ?? NOT_PROVISIONED,
    })),
  };
};
