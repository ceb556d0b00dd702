import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { FleetTier } from '../fleet/tier.ts';
import { keyOf } from './dynamo-graph-store.ts';
import type { GraphMoveStore, MovingGraph } from './graph-move.ts';
import type { GraphMove } from './graph-place.ts';
import { subgraphQuotaOf } from './subgraph.ts';

const ACTIVE = '#status = :active';
const NOTHING_HOLDS_IT = 'attribute_type(#move, :null) AND attribute_type(writer, :null)';
const SUBGRAPHS_FIT = 'size(subgraphs) <= :quota';
const ELSEWHERE = 'tier <> :tier';
const MINE = '#move.operationId = :operation AND #move.#state = :state';
const SPARE_IS = '#move.spare.placement = :spare';
const SERVED_AT = 'placement = :serving';

/** Moves, as part of the graphs' items in the control table. */
export class DynamoGraphMoveStore implements GraphMoveStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async begin(
    graphId: string,
    operationId: string,
    to: { tier: FleetTier; placement: string | null },
  ): Promise<boolean> {
    const move: GraphMove = { operationId, state: 'preparing', spare: { ...to, slotHolder: operationId } };
    return this.#update(graphId, {
      UpdateExpression: 'SET #move = :move',
      ConditionExpression: `${ACTIVE} AND ${NOTHING_HOLDS_IT} AND ${ELSEWHERE} AND ${SUBGRAPHS_FIT}`,
      ExpressionAttributeNames: { '#move': 'move', '#status': 'status' },
      ExpressionAttributeValues: {
        ':move': move,
        ':active': 'active',
        ':null': 'NULL',
        ':tier': to.tier,
        ':quota': subgraphQuotaOf(to.tier),
      },
    });
  }

  async place(graphId: string, operationId: string, before: string | null, instanceId: string): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET #move.spare.placement = :instance',
      ConditionExpression: `${MINE} AND ${SPARE_IS}`,
      ExpressionAttributeNames: MOVE,
      ExpressionAttributeValues: { ...mine(operationId, 'preparing'), ':spare': before, ':instance': instanceId },
    });
  }

  async switchOver(graph: MovingGraph): Promise<boolean> {
    return this.#swap(graph, { from: 'preparing', to: 'switched', onlyActive: true });
  }

  async switchBack(graph: MovingGraph): Promise<boolean> {
    return this.#swap(graph, { from: 'switched', to: 'abandoned', onlyActive: false });
  }

  async abandon(graphId: string, operationId: string): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET #move.#state = :abandoned',
      ConditionExpression: MINE,
      ExpressionAttributeNames: MOVE,
      ExpressionAttributeValues: { ...mine(operationId, 'preparing'), ':abandoned': 'abandoned' },
    });
  }

  async end(graphId: string, { operationId, state, spare }: GraphMove): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET #move = :none',
      ConditionExpression: `${MINE} AND ${SPARE_IS}`,
      ExpressionAttributeNames: MOVE,
      ExpressionAttributeValues: { ...mine(operationId, state), ':spare': spare.placement, ':none': null },
    });
  }

  /** Serving place and spare place change places, if both are still as they were read. */
  async #swap(
    { graphId, tier, placement, slotHolder, move }: MovingGraph,
    { from, to, onlyActive }: { from: GraphMove['state']; to: GraphMove['state']; onlyActive: boolean },
  ): Promise<boolean> {
    const { operationId, spare } = move;
    const moved: GraphMove = { operationId, state: to, spare: { tier, placement, slotHolder } };
    return this.#update(graphId, {
      UpdateExpression: 'SET tier = :tier, placement = :spare, slotHolder = :holder, #move = :move',
      ConditionExpression: `${MINE} AND ${SPARE_IS} AND ${SERVED_AT}${onlyActive ? ` AND ${ACTIVE} AND ${SUBGRAPHS_FIT}` : ''}`,
      ExpressionAttributeNames: { ...MOVE, ...(onlyActive && { '#status': 'status' }) },
      ExpressionAttributeValues: {
        ...mine(operationId, from),
        ':tier': spare.tier,
        ':spare': spare.placement,
        ':holder': spare.slotHolder,
        ':serving': placement,
        ':move': moved,
        ...(onlyActive && { ':active': 'active', ':quota': subgraphQuotaOf(spare.tier) }),
      },
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

const MOVE = { '#move': 'move', '#state': 'state' };
const mine = (operationId: string, state: GraphMove['state']) => ({ ':operation': operationId, ':state': state });
