import { DeleteCommand, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { NewDrain } from '../lease/drain.ts';
import { keyOf, stateKey } from './dynamo-instance-store.ts';
import type { InstancePlace } from './instance.ts';
import type { InstanceRetirementStore } from './retirement.ts';

const IN_USE = '#state = :active';
const NOTED_AS_READ = 'emptySince = :since';
const IN_QUARANTINE = '#state = :quarantined';
const NOT_ENDED = 'attribute_not_exists(ended.#owner)';
const DRAINED_BY_ME = '#state = :draining AND drain.#owner = :owner';
/** The reason is kept while it drains, so that it can be put back. */
const FROM_QUARANTINE = 'attribute_exists(quarantineReason)';
const CYCLED_BY_ME = '#state = :cycling AND drain.#owner = :owner';
const HOLDS_NOTHING = 'used = :zero AND busyCount = :zero';

/** The ends of instances, on their items in the control table. */
export class DynamoInstanceRetirementStore implements InstanceRetirementStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async drainQuarantined({ instanceId, tier }: InstancePlace, drain: NewDrain): Promise<boolean> {
    const drained = this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        UpdateExpression: 'SET #state = :draining, stateKey = :key, drain = :drain',
        ConditionExpression: `${IN_QUARANTINE} AND ${NOT_ENDED}`,
        ExpressionAttributeNames: { '#state': 'state', '#owner': drain.owner },
        ExpressionAttributeValues: {
          ':quarantined': 'QUARANTINED',
          ':draining': 'DRAINING',
          ':key': stateKey(tier, 'DRAINING'),
          ':drain': { ...drain, taskToken: null },
        },
      }),
    );
    return whenConditionHolds(drained);
  }

  async requarantine({ instanceId, tier }: InstancePlace, owner: string, at: string): Promise<void> {
    const putBack = this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        UpdateExpression: 'SET #state = :quarantined, stateKey = :key, ended.#drain = :at REMOVE drain',
        ConditionExpression: `${DRAINED_BY_ME} AND ${FROM_QUARANTINE}`,
        ExpressionAttributeNames: { '#state': 'state', '#owner': 'owner', '#drain': owner },
        ExpressionAttributeValues: {
          ':draining': 'DRAINING',
          ':quarantined': 'QUARANTINED',
          ':key': stateKey(tier, 'QUARANTINED'),
          ':owner': owner,
          ':at': at,
        },
      }),
    );
    await whenConditionHolds(putBack);
  }

  async remove(instanceId: string, owner: string): Promise<boolean> {
    const removed = this.#table.documents.send(
      new DeleteCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        ConditionExpression: `${CYCLED_BY_ME} AND ${HOLDS_NOTHING}`,
        ExpressionAttributeNames: { '#state': 'state', '#owner': 'owner' },
        ExpressionAttributeValues: { ':cycling': 'CYCLING', ':owner': owner, ':zero': 0 },
      }),
    );
    return (await whenConditionHolds(removed)) || !(await this.#isHeldBy(instanceId, owner));
  }

  async noteEmpty(instanceId: string, at: string): Promise<string | undefined> {
    let since: string | undefined;
    const noted = this.#table.documents
      .send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(instanceId),
          UpdateExpression: 'SET emptySince = if_not_exists(emptySince, :at)',
          ConditionExpression: `${IN_USE} AND ${HOLDS_NOTHING}`,
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':active': 'ACTIVE', ':zero': 0, ':at': at },
          ReturnValues: 'UPDATED_NEW',
        }),
      )
      .then(({ Attributes }) => {
        since = Attributes?.['emptySince'] as string;
      });
    await whenConditionHolds(noted);
    return since;
  }

  async renewEmpty(instanceId: string, since: string, at: string): Promise<void> {
    const renewed = this.#table.documents.send(
      new UpdateCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        UpdateExpression: 'SET emptySince = :at',
        ConditionExpression: NOTED_AS_READ,
        ExpressionAttributeValues: { ':since': since, ':at': at },
      }),
    );
    await whenConditionHolds(renewed);
  }

  async #isHeldBy(instanceId: string, owner: string): Promise<boolean> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({
        TableName: this.#table.tableName,
        Key: keyOf(instanceId),
        ConsistentRead: true,
        ProjectionExpression: 'drain',
      }),
    );
    return (Item?.['drain'] as { owner?: string } | undefined)?.owner === owner;
  }
}
