import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ControlTableClient, whenConditionHolds } from '../aws/control-table-client.ts';
import type { RepositoryName, RepositoryStore } from './repository.ts';

const FIRST_ATTEMPT = 1;
const STILL_AT = 'attempt = :from';
const STILL_AT_FIRST = 'attribute_not_exists(attempt)';

/** Repositories in the control table: an item for each that has had more than one graph. */
export class DynamoRepositoryStore implements RepositoryStore {
  readonly #table: ControlTableClient;

  constructor(table: ControlTableClient) {
    this.#table = table;
  }

  async attempt(name: RepositoryName): Promise<number> {
    const { documents, tableName } = this.#table;
    const { Item } = await documents.send(
      new GetCommand({ TableName: tableName, Key: keyOf(name), ConsistentRead: true }),
    );
    return (Item?.['attempt'] as number | undefined) ?? FIRST_ATTEMPT;
  }

  async moveOn(name: RepositoryName, from: number): Promise<void> {
    const isFirst = from === FIRST_ATTEMPT;
    await whenConditionHolds(
      this.#table.documents.send(
        new UpdateCommand({
          TableName: this.#table.tableName,
          Key: keyOf(name),
          UpdateExpression: 'SET attempt = :next',
          ConditionExpression: isFirst ? STILL_AT_FIRST : STILL_AT,
          ExpressionAttributeValues: { ':next': from + 1, ...(!isFirst && { ':from': from }) },
        }),
      ),
    );
  }
}

const keyOf = (name: RepositoryName) => ({ pk: `REPOSITORY#${name}`, sk: 'META' });
