import { QueryCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { Refusal } from '../failure.ts';
import type { Page, PageRequest } from '../page.ts';
import type { ControlTableClient } from './control-table-client.ts';

type Item = Record<string, unknown>;
/** Without a name: the table itself. */
type Index = { name?: string; partitionKey: string; sortKey: string };
type IndexQuery<Read> = {
  index: Index;
  partition: string;
  newestFirst: boolean;
  /** Items whose sort key is in this range, both ends included; all of them without. */
  between?: { from: string; to: string };
  /** Attributes that an item must have with just this value. */
  equal: Record<string, unknown>;
  /** The attributes to read, where an item has much that the listing does not show. */
  attributes?: readonly string[];
  read: (item: Item) => Read;
};

/** With a filter, so many items are looked at for one page. */
const LOOKED_AT = 400;

/**
 * One page of an index. A filter is applied to what was read, and what is read for a page is bounded, however many items
 * there are: where few match, a page can be short, or empty, and have a cursor.
 * @throws {Refusal} `invalid_request` when the cursor is not one that this listing gave out
 */
export const queryPage = async <Read>(
  { documents, tableName }: ControlTableClient,
  { limit, cursor }: PageRequest,
  { index, partition, newestFirst, between, equal, attributes = [], read }: IndexQuery<Read>,
): Promise<Page<Read>> => {
  const filters = Object.keys(equal);
  const names = Object.fromEntries([
    ...filters.map((name, at) => [`#f${at}`, name]),
    ...attributes.map((name, at) => [`#a${at}`, name]),
  ]);
  const query: QueryCommandInput = {
    TableName: tableName,
    ...(index.name === undefined ? { ConsistentRead: true } : { IndexName: index.name }),
    KeyConditionExpression: `#partition = :partition${between ? ' AND #sort BETWEEN :from AND :to' : ''}`,
    ExpressionAttributeNames: {
      '#partition': index.partitionKey,
      ...(between && { '#sort': index.sortKey }),
      ...names,
    },
    ExpressionAttributeValues: {
      ':partition': partition,
      ...(between && { ':from': between.from, ':to': between.to }),
      ...Object.fromEntries(filters.map((name, at) => [`:f${at}`, equal[name]])),
    },
    ...(filters.length > 0 && { FilterExpression: filters.map((_, at) => `#f${at} = :f${at}`).join(' AND ') }),
    ...(attributes.length > 0 && { ProjectionExpression: attributes.map((_, at) => `#a${at}`).join(', ') }),
    ScanIndexForward: !newestFirst,
  };
  const items: Item[] = [];
  let start = cursor === undefined ? undefined : decodeCursor(cursor, { ...index, partition, between });
  do {
    const Limit = filters.length > 0 ? LOOKED_AT : limit - items.length;
    const page = await documents
      .send(new QueryCommand({ ...query, Limit, ...(start && { ExclusiveStartKey: start }) }))
      // All of the query is ours but the key to start from, which the client has sent.
      .catch((error: unknown) => {
        throw cursor !== undefined && isInvalid(error) ? unknownCursor({ cause: error }) : error;
      });
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined && items.length < limit && filters.length === 0);
  if (items.length > limit) start = keyIn(items[limit - 1] ?? {}, index);
  return { items: items.slice(0, limit).map(read), cursor: start === undefined ? null : encodeCursor(start) };
};

/** What the page after an item starts behind. */
const keyIn = (item: Item, index: Index): Item => Object.fromEntries(keysOf(index).map((name) => [name, item[name]]));

const keysOf = ({ partitionKey, sortKey }: Index): string[] => [...new Set(['pk', 'sk', partitionKey, sortKey])];

const encodeCursor = (key: Item): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** A cursor holds the key it continues from; one that was made for another partition would read another tenant's items. */
const decodeCursor = (
  cursor: string,
  keys: Index & { partition: string; between: IndexQuery<unknown>['between'] },
): Item => {
  const key = parseJson(Buffer.from(cursor, 'base64url').toString());
  const names = keysOf(keys);
  const whole = names.every((name) => typeof key[name] === 'string') && Object.keys(key).length === names.length;
  const place = String(key[keys.sortKey]);
  const within = keys.between === undefined || (keys.between.from <= place && place <= keys.between.to);
  if (whole && within && key[keys.partitionKey] === keys.partition) return key;
  throw unknownCursor();
};

const isInvalid = (error: unknown): boolean => error instanceof Error && error.name === 'ValidationException';

const unknownCursor = (options: { cause?: unknown } = {}): Refusal =>
  new Refusal('invalid_request', 'The cursor is not one that this listing gave out.', {
    ...options,
    issues: [
      { path: 'cursor', message: 'Use the `cursor` of the page before, with the same filters, or leave it out.' },
    ],
  });

const parseJson = (text: string): Item => {
  try {
    return Object(JSON.parse(text)) as Item;
  } catch {
    return {};
  }
};
