import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import { CONTROL_TABLE } from '../../domain/control-table.ts';
import { roleOf } from '../recording/caller.ts';
import { record } from '../recording/record.ts';
import { callsOfRequest } from '../recording/service-calls.ts';

type Item = Readonly<Record<string, unknown>>;
type Capacity = { CapacityUnits: number };
type Answered = (error: unknown, answer?: { ConsumedCapacity?: Capacity }) => void;
type Action = (store: object, request: Record<string, unknown>, done: Answered) => void;
type Database = {
  itemSize(item: Item): number;
  addConsumedCapacity(request: object, isRead: boolean, ...items: (Item | undefined)[]): Capacity | undefined;
};

const ACTIONS = ['getItem', 'query', 'putItem', 'updateItem', 'deleteItem', 'scan', 'batchGetItem', 'batchWriteItem'];

/**
 * Makes dynalite note each action with the capacity that it takes. Call it before dynalite is loaded.
 * @returns listens to the requests of its server, before dynalite does: only a request tells whose it is
 */
export const recordActions = (dynalite: string): ((request: IncomingMessage) => void) => {
  const load = createRequire(dynalite);
  let role: string | undefined;
  addCapacityOfIndexes(load('./db') as Database);
  for (const name of ACTIONS) {
    const path = load.resolve(`./actions/${name}`);
    const act = load(path) as Action;
    const loaded = load.cache[path];
    const recorded: Action = (store, request, done) => {
      const asked = role;
      // dynalite does a batch by these actions, one by one: they are nobody's.
      role = undefined;
      if (asked === undefined) return act(store, request, done);
      act(store, { ...request, ReturnConsumedCapacity: 'TOTAL' }, (error, { ConsumedCapacity, ...answer } = {}) => {
        // A query that finds nothing is paid for too, and a write whose condition does not hold.
        const least = name === 'query' && request['ConsistentRead'] !== true ? 0.5 : 1;
        const units = Math.max(ConsumedCapacity?.CapacityUnits ?? 0, name === 'getItem' ? 0 : least);
        note(asked, name, request, error ? 1 : 0, units);
        done(error, answer);
      });
    };
    if (loaded !== undefined) loaded.exports = recorded;
  }
  // dynalite acts on a request as it ends, at once.
  return (request) => request.once('end', () => (role = roleOf(request.headers)));
};

const note = (role: string, name: string, request: Record<string, unknown>, refused: number, units: number): void => {
  const target = `DynamoDB_20120810.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  for (const call of callsOfRequest(target, request)) record({ role, ...call }, { refused, units });
};

/** dynalite counts what a write takes of the table; DynamoDB writes to each index too that the item is or was in. */
const addCapacityOfIndexes = (database: Database): void => {
  const ofTable = database.addConsumedCapacity;
  const unitsOf = (item: Item) => Math.ceil(database.itemSize(item) / 1024);
  const ofIndex = (keys: readonly string[], one: Item | undefined, other: Item | undefined): number => {
    const [left, right] = [one, other].map((item) =>
      keys.every((key) => item?.[key] !== undefined) ? item : undefined,
    );
    if (left === undefined || right === undefined)
      return [left, right].reduce((sum, item) => sum + (item ? unitsOf(item) : 0), 0);
    if (isDeepStrictEqual({ ...left }, { ...right })) return 0;
    const samePlace = keys.every((key) => isDeepStrictEqual(left[key], right[key]));
    return samePlace ? Math.max(unitsOf(left), unitsOf(right)) : unitsOf(left) + unitsOf(right);
  };
  database.addConsumedCapacity = (request, isRead, one, other) => {
    const capacity = ofTable(request, isRead, one, other);
    if (isRead || capacity === undefined) return capacity;
    const indexes = Object.values(CONTROL_TABLE.indexes).map(({ partitionKey, sortKey }) =>
      ofIndex([partitionKey, sortKey], one, other),
    );
    return { CapacityUnits: indexes.reduce((sum, units) => sum + units, capacity.CapacityUnits) };
  };
};
