import { GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Letter, LetterKind, LetterStore, Settlement } from './letter.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const IN_STATE = '#state = :state';
const NOBODYS = '(attribute_not_exists(claimedUntil) OR claimedUntil < :at)';
const THIS_ATTEMPT = `#state = :received AND attempts = :attempts`;

/** What is done is kept for so long, so that a late delivery of it is known; what is not done is kept until it is. */
const KEPT_SECONDS = 30 * 24 * 60 * 60;

const { byState } = CONTROL_TABLE.indexes;

/** Letters of a kind in the control table; those that are not done are in the index by state. */
export class DynamoLetterStore implements LetterStore {
  readonly kind: LetterKind;
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient, kind: LetterKind) {
    this.#table = table;
    this.kind = kind;
  }

  async receive(eventId: string, text: string, at: string, until: string | null): Promise<boolean> {
    const attempts = until === null ? 0 : 1;
    const event: Letter = { eventId, text, state: 'received', attempts, reason: null, receivedAt: at };
    const Item = {
      ...this.#keyOf(eventId),
      ...event,
      ...(until !== null && { claimedUntil: until }),
      [byState.partitionKey]: this.#stateKey('received'),
      [byState.sortKey]: `${at}#${eventId}`,
    };
    return whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: NOT_THERE }),
      ),
    );
  }

  async get(eventId: string): Promise<Letter | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: this.#keyOf(eventId), ConsistentRead: true }),
    );
    return Item && eventFrom(Item);
  }

  async claim(eventId: string, state: 'received' | 'dead', at: string, until: string): Promise<Letter | undefined> {
    const attempts = state === 'dead' ? ':one' : 'attempts + :one';
    let claimed: Letter | undefined;
    await whenConditionHolds(
      this.#update(eventId, {
        UpdateExpression: `SET #state = :received, claimedUntil = :until, stateKey = :stateKey, attempts = ${attempts}`,
        ConditionExpression: `${IN_STATE} AND ${NOBODYS}`,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': state,
          ':received': 'received',
          ':stateKey': this.#stateKey('received'),
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

  async settle({ eventId, attempts }: Letter, { state, reason, at, notBefore }: Settlement): Promise<void> {
    const isOpen = state === 'received' || state === 'dead';
    const claim = notBefore === null ? ' REMOVE claimedUntil' : ', claimedUntil = :notBefore';
    await whenConditionHolds(
      this.#update(eventId, {
        UpdateExpression: isOpen
          ? `SET #state = :state, reason = :reason, stateKey = :stateKey${claim}`
          : 'SET #state = :state, reason = :reason, expiresAt = :expiresAt REMOVE claimedUntil, stateKey, stateOrder',
        ConditionExpression: THIS_ATTEMPT,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':state': state,
          ':reason': reason,
          ':received': 'received',
          ':attempts': attempts,
          ...(isOpen
            ? { ':stateKey': this.#stateKey(state), ...(notBefore !== null && { ':notBefore': notBefore }) }
            : { ':expiresAt': Math.floor(Date.parse(at) / 1_000) + KEPT_SECONDS }),
        },
      }),
    );
  }

  async list(state: 'received' | 'dead', page: PageRequest): Promise<Page<Letter>> {
    return queryPage(this.#table, page, {
      index: byState,
      partition: this.#stateKey(state),
      newestFirst: false,
      equal: {},
      read: eventFrom,
    });
  }

  #keyOf(eventId: string) {
    return { pk: `${this.kind.toUpperCase()}#${eventId}`, sk: 'META' };
  }

  #stateKey(state: 'received' | 'dead'): string {
    return `${this.kind.toUpperCase()}#${state.toUpperCase()}`;
  }

  #update(eventId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>) {
    return this.#table.documents.send(
      new UpdateCommand({ TableName: this.#table.tableName, Key: this.#keyOf(eventId), ...update }),
    );
  }
}

const eventFrom = (item: Record<string, unknown>): Letter => {
  const { eventId, text, state, attempts, reason, receivedAt } = item as Letter;
  return { eventId, text, state, attempts, reason, receivedAt };
};
