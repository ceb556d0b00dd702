import { UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import { keyOf } from './dynamo-graph-store.ts';
import type { GraphWriterStore } from './graph-writers.ts';

const IN_USE = '#status = :active AND attribute_type(#move, :null)';
const HELD_AS_READ = 'writer = :holder';
const OF_THE_OPERATION = 'begins_with(writer, :operation)';

/** Claims on the items of graphs. */
export class DynamoGraphWriterStore implements GraphWriterStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async claim(graphId: string, holder: string | null, writer: string): Promise<boolean> {
    return this.#update(graphId, {
      UpdateExpression: 'SET writer = :writer',
      ConditionExpression: `${IN_USE} AND ${HELD_AS_READ}`,
      ExpressionAttributeNames: { '#status': 'status', '#move': 'move' },
      ExpressionAttributeValues: { ':writer': writer, ':holder': holder, ':active': 'active', ':null': 'NULL' },
    });
  }

  async release(graphId: string, operationId: string): Promise<void> {
    await this.#update(graphId, {
      UpdateExpression: 'SET writer = :none',
      ConditionExpression: OF_THE_OPERATION,
      ExpressionAttributeValues: { ':operation': `${operationId}.`, ':none': null },
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
