import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { keyOf } from './dynamo-graph-store.ts';
import type { Graph } from './graph.ts';
import { type SubgraphPlace, type SubgraphStore, subgraphQuotaOf } from './subgraph.ts';

const ACTIVE_AS_READ = '#status = :active AND tier = :tier';
const NAME_FREE = 'attribute_not_exists(subgraphs.#name)';
const HAS_ROOM = 'size(subgraphs) < :quota';
const MINE = 'subgraphs.#name = :graph';

/** Places of subgraphs on the items of their parents. */
export class DynamoSubgraphStore implements SubgraphStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async reserve({ tier }: Graph, { parentId, name, graphId }: SubgraphPlace): Promise<boolean> {
    return this.#update(parentId, {
      UpdateExpression: 'SET subgraphs.#name = :graph',
      ConditionExpression: `${ACTIVE_AS_READ} AND ${NAME_FREE} AND ${HAS_ROOM}`,
      ExpressionAttributeNames: { '#status': 'status', '#name': name },
      ExpressionAttributeValues: {
        ':graph': graphId,
        ':active': 'active',
        ':tier': tier,
        ':quota': subgraphQuotaOf(tier),
      },
    });
  }

  async release({ parentId, name, graphId }: SubgraphPlace): Promise<void> {
    await this.#update(parentId, {
      UpdateExpression: 'REMOVE subgraphs.#name',
      ConditionExpression: MINE,
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':graph': graphId },
    });
  }

  #update(graphId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(graphId), ...update }),
      ),
    );
  }
}
