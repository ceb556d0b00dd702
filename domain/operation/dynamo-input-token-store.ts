import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import type { InputTokenStore } from './waiting-tasks.ts';

/** Tokens in the control table, beside the logs of their operations. */
export class DynamoInputTokenStore implements InputTokenStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async put(operationId: string, taskToken: string): Promise<void> {
    const Item = { ...keyOf(operationId), taskToken };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }

  async get(operationId: string): Promise<string | undefined> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(operationId), ConsistentRead: true }),
    );
    return Item?.['taskToken'] as string | undefined;
  }
}

const keyOf = (operationId: string) => ({ pk: `OP#${operationId}`, sk: 'INPUT' });
