import { DeleteCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { DeletionStore } from './deletion.ts';
import { keyOf } from './dynamo-graph-store.ts';
import type { Graph, GraphStatus } from './graph.ts';

const AS_READ = '#status = :before AND writer = :holder AND attribute_type(#move, :null)';
const STILL_EMPTY = '#snapshot.version = :version';
const DELETING_BY_ME = '#status = :deleting AND writer = :writer';

/** Claims of deletions on the items of graphs. */
export class DynamoDeletionStore implements DeletionStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async claim(
    { graphId, status, writer: holder }: Graph,
    writer: string,
    emptyVersion: number | null,
    statusBefore: GraphStatus,
  ): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET #status = :deleting, statusBefore = :again, writer = :writer',
      ConditionExpression: emptyVersion === null ? AS_READ : `${AS_READ} AND ${STILL_EMPTY}`,
      ExpressionAttributeNames: {
        '#status': 'status',
        '#move': 'move',
        ...(emptyVersion !== null && { '#snapshot': 'snapshot' }),
      },
      ExpressionAttributeValues: {
        ':deleting': 'deleting',
        ':before': status,
        ':again': statusBefore,
        ':holder': holder,
        ':null': 'NULL',
        ':writer': writer,
        ...(emptyVersion !== null && { ':version': emptyVersion }),
      },
    });
  }

  async release(graphId: string, writer: string): Promise<void> {
    await this.#update(graphId, {
      UpdateExpression: 'SET #status = statusBefore, statusBefore = :none, writer = :none',
      ConditionExpression: DELETING_BY_ME,
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':deleting': 'deleting', ':writer': writer, ':none': null },
    });
  }

  async forgetSnapshot(graphId: string, writer: string): Promise<void> {
    await this.#update(graphId, {
      UpdateExpression: 'SET #snapshot = :none',
      ConditionExpression: DELETING_BY_ME,
      ExpressionAttributeNames: { '#status': 'status', '#snapshot': 'snapshot' },
      ExpressionAttributeValues: { ':deleting': 'deleting', ':writer': writer, ':none': null },
    });
  }

  async erase(graphId: string, writer: string): Promise<void> {
    await whenConditionHolds(
      this.#table.documents.send(
        new DeleteCommand({
          TableName: this.#table.tableName,
          Key: keyOf(graphId),
          ConditionExpression: DELETING_BY_ME,
          ExpressionAttributeNames: { '#status': 'status' },
          ExpressionAttributeValues: { ':deleting': 'deleting', ':writer': writer },
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
