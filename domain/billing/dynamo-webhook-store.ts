import { GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import type { WebhookEvent, WebhookState, WebhookStore } from './webhook-event.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const IN_STATE = '#state = :state';
const NOBODYS = '(attribute_not_exists(claimedUntil) OR claimedUntil < :at)';
const THIS_ATTEMPT = `#state = :received AND attempts = :attempts`;

/** What is done is kept for so long, so that a late delivery of it is known; what is not done is kept until it is. */
const KEPT_SECONDS = 30 * 24 * 60 * 60;

const { byState } = CONTROL_TABLE.indexes;

/** Events of the billing provider in the control table; those that are not done are in the index by state. */
export class DynamoWebhookStore implements WebhookStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async receive(eventId: string, text: string, at: string, until: string): Promise<boolean> {
    const event: WebhookEvent = { eventId, text, state: 'received', attempts: 1, reason: null, receivedAt: at };
    const Item = {
      ...keyOf(eventId),
      ...event,
      claimedUntil: until,
      [byState.partitionKey]: stateKey('received'),
      [byState.sortKey]: `${at}#${eventId}`,
    };
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: NOT_THERE }),
      ),
    );
  }

  async get(eventId: string): Promise<WebhookEvent | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(eventId), ConsistentRead: true }),
    );
    return Item && eventFrom(Item);
  }

  async claim(
    eventId: string,
    state: 'received' | 'dead',
    at: string,
    until: string,
  ): Promise<WebhookEvent | undefined> {
    const attempts = state === 'dead' ? ':one' : 'attempts + :one';
    let claimed: WebhookEvent | undefined;
    await whenConditionHolds(
      this.#update(eventId, {
        UpdateExpression: `SET #state = :received, claimedUntil = :until, stateKey = :stateKey, attempts = ${attempts}`,
        ConditionExpression: `${IN_STATE} AND ${NOBODYS}`,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': state,
          ':received': 'received',
          ':stateKey': stateKey('received'),
          ':at': at,
          ':until': until,
          ':one': 1,
        },
        ReturnValues: 'ALL_NEW',
      }).then(({ Attributes }) => {
        claimed = Attributes && eventFrom(Attributes);
      }),
    );
    return claimed;
  }

  async settle({ eventId, attempts }: WebhookEvent, state: WebhookState, reason: string | null, at: string) {
    const isOpen = state === 'received' || state === 'dead';
    await whenConditionHolds(
      this.#update(eventId, {
        UpdateExpression: isOpen
          ? 'SET #state = :state, reason = :reason, stateKey = :stateKey REMOVE claimedUntil'
          : 'SET #state = :state, reason = :reason, expiresAt = :expiresAt REMOVE claimedUntil, stateKey, stateOrder',
        ConditionExpression: THIS_ATTEMPT,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': state,
          ':reason': reason,
          ':received': 'received',
          ':attempts': attempts,
          ...(isOpen
            ? { ':stateKey': stateKey(state) }
            : { ':expiresAt': Math.floor(Date.parse(at) / 1_000) + KEPT_SECONDS }),
        },
      }),
    );
  }

  async list(state: 'received' | 'dead', page: PageRequest): Promise<Page<WebhookEvent>> {
    return queryPage(this.#table, page, {
      index: byState,
      partition: stateKey(state),
      newestFirst: false,
      equal: {},
      read: eventFrom,
    });
  }

  #update(eventId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>) {
    return this.#table.documents.send(
      new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(eventId), ...update }),
    );
  }
}

const keyOf = (eventId: string) => ({ pk: `WEBHOOK#${eventId}`, sk: 'META' });
const stateKey = (state: 'received' | 'dead') => `WEBHOOK#${state.toUpperCase()}`;

const eventFrom = (item: Record<string, unknown>): WebhookEvent => {
  const { eventId, text, state, attempts, reason, receivedAt } = item as WebhookEvent;
  return { eventId, text, state, attempts, reason, receivedAt };
};
