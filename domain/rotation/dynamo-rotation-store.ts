import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ControlTableClient } from '../aws/control-table-client.ts';
import type { RotationStore } from './rotation.ts';

/** Rotations in the control table. */
export class DynamoRotationStore implements RotationStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async get(name: string): Promise<string | null> {
    const { Item } = await this.#table.documents.send(
      new GetCommand({ TableName: this.#table.tableName, Key: keyOf(name) }),
    );
    return (Item?.['cursor'] as string | null | undefined) ?? null;
  }

  async put(name: string, cursor: string | null): Promise<void> {
    const Item = { ...keyOf(name), cursor };
    await this.#table.documents.send(new PutCommand({ TableName: this.#table.tableName, Item }));
  }
}

const keyOf = (name: string) => ({ pk: 'ROTATIONS', sk: name });
