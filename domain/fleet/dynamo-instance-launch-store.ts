import { DeleteCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { DynamoInstanceStore, keyOf, stateKey } from './dynamo-instance-store.ts';
import type { Instance } from './instance.ts';
import type { InstanceLaunchStore, LaunchClaim, LaunchRequest } from './instance-launch.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const MINE = 'launch.operationId = :operation';
const NO_GRAPHS = 'used = :zero';
const NEVER_CYCLED = '#state IN (:launching, :active, :quarantined)';
const GIVEN_UP = 'quarantineReason = :failed';

/** Launches, as part of the instances' items in the control table. */
export class DynamoInstanceLaunchStore implements InstanceLaunchStore {
  readonly #table: ControlTableClient;
  readonly #instances: DynamoInstanceStore;

  constructor(table: ControlTableClient) {
    this.#table = table;
    this.#instances = new DynamoInstanceStore(table);
  }

  async claim({ instanceId, tier, operationId, capacity }: LaunchClaim, at: string): Promise<boolean> {
    const instance: Omit<Instance, 'quarantineReason' | 'drain'> & {
      slots: object;
      leases: object;
      ended: object;
      stateKey: string;
      stateOrder: string;
    } = {
      instanceId,
      tier,
      state: 'LAUNCHING',
      generation: 1,
      endpoint: '',
      image: '',
      taskArn: '',
      capacity,
      used: 0,
      slots: {},
      leases: {},
      busyCount: 0,
      ended: {},
      heartbeatAt: at,
      launch: { operationId, taskToken: null },
      stateKey: stateKey(tier, 'LAUNCHING'),
      stateOrder: instanceId,
    };
    const names = Object.keys(instance);
    return this.#update(instanceId, {
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}`,
      ConditionExpression: NOT_THERE,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        Object.entries(instance).map(([name, value]) => [`:${name}`, value]),
      ),
    });
  }

  async awaitRegistration(instanceId: string, operationId: string, taskToken: string): Promise<Instance | undefined> {
    const left = await this.#update(instanceId, {
      UpdateExpression: 'SET launch.taskToken = :taskToken',
      ConditionExpression: MINE,
      ExpressionAttributeValues: { ':operation': operationId, ':taskToken': taskToken },
    });
    return left ? this.#instances.get(instanceId) : undefined;
  }

  async end(instanceId: string, operationId: string): Promise<void> {
    await this.#update(instanceId, {
      UpdateExpression: 'SET launch.taskToken = :none',
      ConditionExpression: MINE,
      ExpressionAttributeValues: { ':operation': operationId, ':none': null },
    });
  }

  async giveUp({ instanceId, tier, operationId }: LaunchRequest & { operationId: string }): Promise<boolean> {
    return this.#update(instanceId, {
      UpdateExpression: 'SET #state = :quarantined, stateKey = :key, quarantineReason = :failed',
      ConditionExpression: `${MINE} AND ${NO_GRAPHS} AND ${NEVER_CYCLED}`,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':operation': operationId,
        ':zero': 0,
        ':launching': 'LAUNCHING',
        ':active': 'ACTIVE',
        ':quarantined': 'QUARANTINED',
        ':key': stateKey(tier, 'QUARANTINED'),
        ':failed': 'launch_failed',
      },
    });
  }

  async remove(instanceId: string, operationId: string): Promise<void> {
    await whenConditionHolds(
      this.#table.documents.send(
        new DeleteCommand({
          TableName: this.#table.tableName,
          Key: keyOf(instanceId),
          ConditionExpression: `${MINE} AND ${GIVEN_UP} AND ${NO_GRAPHS}`,
          ExpressionAttributeValues: { ':operation': operationId, ':failed': 'launch_failed', ':zero': 0 },
        }),
      ),
    );
  }

  #update(instanceId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(instanceId), ...update }),
      ),
    );
  }
}
