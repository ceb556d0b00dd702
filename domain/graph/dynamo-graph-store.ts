import { DeleteCommand, GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { queryPage } from '../aws/query-page.ts';
import { CONTROL_TABLE } from '../control-table.ts';
import type { Page, PageRequest } from '../page.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Graph, GraphStore, PaidGraph, ProvisioningGraph } from './graph.ts';

const NOT_THERE = 'attribute_not_exists(pk)';
const PLACED_AS_BEFORE = 'placement = :before';
const MAY_PUBLISH = 'writer = :writer';
const NO_SNAPSHOT = 'attribute_type(#snapshot, :null)';
const VERSION_BEFORE = '#snapshot.version = :before';
const PUBLISHED = 'attribute_type(#snapshot, :map)';
const CREATED_BY = 'createdBy = :operation';
const CLAIM_ENDED = 'writer = :none';
const NOT_IN_USE = '#status = :provisioning';
const SUBGRAPH_OF = 'parentId = :parent';
const NO_NEWER_STANDING = 'attribute_not_exists(standingMark) OR standingMark <= :mark';
const ACTIVE_OR_SUSPENDED = '#status IN (:active, :suspended)';

const { byTenant, byState } = CONTROL_TABLE.indexes;
/** A graph that is provisioning is found by the index by state; one that came to be used has left it. */
const PROVISIONING = 'GRAPH#PROVISIONING';

/** Graphs in the control table. */
export class DynamoGraphStore implements GraphStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async create(graph: Graph): Promise<Graph> {
    const Item = {
      ...keyOf(graph.graphId),
      ...graph,
      // Kept as text: nothing in them is queried, and as nested maps they would cost more than all the rest. And names
      // in them are tenants' words: the SDK takes a map with a key `constructor` for an object of some class.
      schema: JSON.stringify(graph.schema),
      entity: JSON.stringify(graph.entity),
      tags: JSON.stringify(graph.tags),
      // A subgraph is listed by its parent, which names it.
      ...(graph.status === 'provisioning' && {
        [byState.partitionKey]: PROVISIONING,
        [byState.sortKey]: graph.graphId,
      }),
      ...(graph.parentId === null && {
        [byTenant.partitionKey]: tenantKey(graph.tenantId),
        [byTenant.sortKey]: `${graph.createdAt}#${graph.graphId}`,
      }),
    };
    const created = await whenConditionHolds(
      this.#table.documents.send(
        new PutCommand({ TableName: this.#table.tableName, Item, ConditionExpression: NOT_THERE }),
      ),
    );
    return created ? graph : ((await this.get(graph.graphId)) ?? graph);
  }

  async get(graphId: string): Promise<Graph | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(graphId), ConsistentRead: true }),
    );
    return Item && graphFrom(Item);
  }

  async listByTenant(tenantId: string, page: PageRequest): Promise<Page<Graph>> {
    return queryPage(this.#table, page, {
      index: byTenant,
      partition: tenantKey(tenantId),
      newestFirst: false,
      equal: {},
      read: graphFrom,
    });
  }

  async listProvisioning(page: PageRequest): Promise<Page<ProvisioningGraph>> {
    return queryPage(this.#table, page, {
      index: byState,
      partition: PROVISIONING,
      newestFirst: false,
      equal: {},
      attributes: ['graphId', 'createdBy'] satisfies (keyof ProvisioningGraph)[],
      read: (item) => item as ProvisioningGraph,
    });
  }

  async listPayers(tenantId: string, page: PageRequest): Promise<Page<PaidGraph>> {
    return queryPage(this.#table, page, {
      index: byTenant,
      partition: tenantKey(tenantId),
      newestFirst: false,
      equal: {},
      attributes: ['graphId', 'status', 'subscriptionId'] satisfies (keyof PaidGraph)[],
      read: (item) => item as PaidGraph,
    });
  }

  async place(graphId: string, before: string | null, instanceId: string): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET placement = :instance',
      ConditionExpression: PLACED_AS_BEFORE,
      ExpressionAttributeValues: { ':before': before, ':instance': instanceId },
    });
  }

  async publish(graphId: string, writer: string, snapshot: Snapshot): Promise<Snapshot | undefined> {
    const moved = await this.#update(graphId, {
      UpdateExpression: 'SET #snapshot = :snapshot',
      ConditionExpression: `${MAY_PUBLISH} AND (${snapshot.version === 1 ? NO_SNAPSHOT : VERSION_BEFORE})`,
      ExpressionAttributeNames: { '#snapshot': 'snapshot' },
      ExpressionAttributeValues: {
        ':snapshot': snapshot,
        ':writer': writer,
        ...(snapshot.version === 1 ? { ':null': 'NULL' } : { ':before': snapshot.version - 1 }),
      },
    });
    if (moved) return snapshot;
    const graph = await this.get(graphId);
    const current = graph?.writer === writer ? graph.snapshot : null;
    return current?.version === snapshot.version ? current : undefined;
  }

  async withdraw(graphId: string, createdBy: string): Promise<void> {
    await this.#update(graphId, {
      UpdateExpression: 'SET #snapshot = :none',
      ConditionExpression: `${CREATED_BY} AND ${CLAIM_ENDED}`,
      ExpressionAttributeNames: { '#snapshot': 'snapshot' },
      ExpressionAttributeValues: { ':none': null, ':operation': createdBy },
    });
  }

  async activate(graphId: string, writer: string): Promise<boolean> {
    const activated = await this.#update(graphId, {
      UpdateExpression: `SET #status = :active, writer = :none REMOVE ${byState.partitionKey}, ${byState.sortKey}`,
      ConditionExpression: `${MAY_PUBLISH} AND ${PUBLISHED}`,
      ExpressionAttributeNames: { '#status': 'status', '#snapshot': 'snapshot' },
      ExpressionAttributeValues: { ':active': 'active', ':writer': writer, ':none': null, ':map': 'M' },
    });
    if (activated) return true;
    const status = (await this.get(graphId))?.status;
    return status === 'active' || status === 'suspended';
  }

  async deactivate(graphId: string, createdBy: string): Promise<void> {
    await this.#update(graphId, {
      UpdateExpression: `SET #status = :provisioning, writer = :none, ${byState.partitionKey} = :key, ${byState.sortKey} = :graph`,
      ConditionExpression: CREATED_BY,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: {
        ':provisioning': 'provisioning',
        ':none': null,
        ':operation': createdBy,
        ':key': PROVISIONING,
        ':graph': graphId,
      },
    });
  }

  async followStanding(graphId: string, status: 'active' | 'suspended', mark: string): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET #status = :status, standingMark = :mark',
      ConditionExpression: `(${NO_NEWER_STANDING}) AND ${ACTIVE_OR_SUSPENDED}`,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': status, ':active': 'active', ':suspended': 'suspended', ':mark': mark },
    });
  }

  async followTier(graphId: string, parent: Pick<Graph, 'graphId' | 'tier'>): Promise<void> {
    await this.#update(graphId, {
      UpdateExpression: 'SET tier = :tier',
      ConditionExpression: SUBGRAPH_OF,
      ExpressionAttributeValues: { ':tier': parent.tier, ':parent': parent.graphId },
    });
  }

  async remove(graphId: string, createdBy: string): Promise<void> {
    await whenConditionHolds(
      this.#table.documents.send(
        new DeleteCommand({
          TableName: this.#table.tableName,
          Key: keyOf(graphId),
          ConditionExpression: `${CREATED_BY} AND ${NOT_IN_USE}`,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':operation': createdBy, ':provisioning': 'provisioning' },
        }),
      ),
    );
  }

  #update(graphId: string, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<boolean> {
    return whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({ TableName: this.#table.tableName, Key: keyOf(graphId), ...update }),
      ),
    );
  }
}

/** The place of a graph's item, which several adapters write to. */
export const keyOf = (graphId: string) => ({ pk: `GRAPH#${graphId}`, sk: 'META' });
const tenantKey = (tenantId: string) => `TENANT#${tenantId}#GRAPH`;

type AsText = 'schema' | 'entity' | 'tags';

const graphFrom = ({
  pk: _p,
  sk: _s,
  tenantKey: _t,
  createdKey: _c,
  stateKey: _k,
  stateOrder: _o,
  standingMark: _m,
  ...item
}: Record<string, unknown>): Graph => {
  const { schema, entity, tags, ...graph } = item as Omit<Graph, AsText> & Record<AsText, string>;
  return {
    ...graph,
    schema: JSON.parse(schema) as Graph['schema'],
    entity: JSON.parse(entity) as Graph['entity'],
    tags: JSON.parse(tags) as Graph['tags'],
  };
};
