/**
 * What DynamoDB does with the very expressions that the adapters send, as a pure function over plain values: so that a
 * test can run the real adapters on a store that it owns whole. It knows what they use, and refuses the rest by name.
 * `test/integration/lease/table-in-memory.test.ts` holds it against dynalite.
 */

export type Item = Readonly<Record<string, unknown>>;
/** The items of one partition key, by sort key. */
export type Partition = Readonly<Record<string, Item>>;

type Names = Readonly<Record<string, string>>;
type Values = Readonly<Record<string, unknown>>;
/** The fields of a command's input that are looked at. */
export type TableInput = {
  Key?: { pk: string; sk: string };
  Item?: Item;
  ConditionExpression?: string;
  UpdateExpression?: string;
  KeyConditionExpression?: string;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: Names;
  ExpressionAttributeValues?: Values;
  ReturnValues?: string;
  ScanIndexForward?: boolean;
  Limit?: number;
  IndexName?: string;
};
export type TableAnswer = { output: Record<string, unknown> } | { error: 'ConditionalCheckFailedException' };
export type Performed = { partition: Partition; answer: TableAnswer };

const CONDITION_FAILED = { error: 'ConditionalCheckFailedException' } as const;

/** The partition that a command is about. */
export const partitionKeyOf = ({ Key, Item, ExpressionAttributeValues }: TableInput): string => {
  const key = Key?.pk ?? Item?.['pk'] ?? ExpressionAttributeValues?.[':pk'];
  if (typeof key !== 'string') throw new Error('The command names no partition.');
  return key;
};

/** Performs a command, named as its class is, on the partition that it is about. */
export const perform = (partition: Partition, command: string, input: TableInput): Performed => {
  switch (command) {
    case 'GetCommand':
      return { partition, answer: { output: found(projected(partition[sortKeyOf(input)], input)) } };
    case 'QueryCommand':
      return { partition, answer: { output: { Items: query(partition, input) } } };
    case 'PutCommand':
      return write(partition, input, String(input.Item?.['sk']), () => input.Item ?? {});
    case 'UpdateCommand':
      return write(partition, input, sortKeyOf(input), (before) => updated(before ?? { ...input.Key }, input));
    default:
      throw new Error(`The store in memory knows no ${command}.`);
  }
};

const sortKeyOf = ({ Key }: TableInput): string => Key?.sk ?? '';
const found = (item: Item | undefined) => (item === undefined ? {} : { Item: item });

const write = (
  partition: Partition,
  input: TableInput,
  sortKey: string,
  change: (before: Item | undefined) => Item,
): Performed => {
  const before = partition[sortKey];
  const { ConditionExpression: condition, ReturnValues: returned } = input;
  if (condition !== undefined && !holds(condition, before ?? {}, input)) return { partition, answer: CONDITION_FAILED };
  const after = change(before);
  const shown = { ALL_NEW: after, ALL_OLD: before }[returned ?? ''];
  return {
    partition: { ...partition, [sortKey]: after },
    answer: { output: shown === undefined ? {} : { Attributes: shown } },
  };
};

const query = (partition: Partition, input: TableInput): Item[] => {
  if (input.IndexName !== undefined) throw new Error('The store in memory has no indexes.');
  const inOrder = Object.keys(partition).sort();
  if (input.ScanIndexForward === false) inOrder.reverse();
  return inOrder
    .map((sortKey) => partition[sortKey] ?? {})
    .filter((item) => holds(input.KeyConditionExpression ?? '', item, input))
    .slice(0, input.Limit);
};

const projected = (item: Item | undefined, { ProjectionExpression, ExpressionAttributeNames }: TableInput) => {
  if (item === undefined || ProjectionExpression === undefined) return item;
  const names = ProjectionExpression.split(', ').map((name) => ExpressionAttributeNames?.[name] ?? name);
  return Object.fromEntries(names.filter((name) => name in item).map((name) => [name, item[name]]));
};

const holds = (expression: string, item: Item, input: TableInput): boolean =>
  conditionOf(expression)({ item, ...termsOf(input) });

/** Every value is taken from the item as it was; then all are set. */
const updated = (before: Item, input: TableInput): Item => {
  const { assignments, removals } = updateOf(input.UpdateExpression ?? '');
  const scope = { item: before, ...termsOf(input) };
  const changes = assignments.map(({ path, value }) => ({ path: pathIn(scope, path), value: setTo(value(scope)) }));
  const after = structuredClone(before) as Record<string, unknown>;
  for (const { path, value } of changes) parentOf(after, path)[path.at(-1) ?? ''] = structuredClone(value);
  for (const removal of removals) {
    const path = pathIn(scope, removal);
    delete parentOf(after, path)[path.at(-1) ?? ''];
  }
  return after;
};

const setTo = (value: unknown): unknown => {
  if (value === undefined) throw new Error('An attribute is set to one that is not in the item.');
  return value;
};

const parentOf = (item: Record<string, unknown>, path: readonly string[]): Record<string, unknown> =>
  path.slice(0, -1).reduce((within, name) => {
    const inner = within[name];
    if (inner === undefined) throw new Error(`The document path "${path.join('.')}" is not in the item.`);
    return inner as Record<string, unknown>;
  }, item);

// The grammar. An expression is read once and becomes a function of the item, the names and the values.

type Scope = { item: Item; names: Names; values: Values };
type Operand = (scope: Scope) => unknown;
type Condition = (scope: Scope) => boolean;
type Assignment = { path: readonly string[]; value: Operand };

const termsOf = ({ ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: TableInput) => ({
  names,
  values,
});

const pathIn = ({ names }: Scope, path: readonly string[]): string[] =>
  path.map((name) => {
    const meant = name.startsWith('#') ? names[name] : name;
    if (meant === undefined) throw new Error(`The name ${name} is not defined.`);
    return meant;
  });

const valueAt = (scope: Scope, path: readonly string[]): unknown =>
  pathIn(scope, path).reduce<unknown>((within, name) => (within as Item | undefined)?.[name], scope.item);

const COMPARISONS: Record<string, (left: never, right: never) => boolean> = {
  '=': (left, right) => left === right,
  '<>': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

const compare = (comparison: string, left: unknown, right: unknown): boolean => {
  if (left === undefined || right === undefined) {
    if (comparison === '<>') throw new Error('Whether what is not there differs, no adapter should have to know.');
    return false;
  }
  return COMPARISONS[comparison]?.(left as never, right as never) ?? false;
};

class Reader {
  readonly #tokens: string[];
  #at = 0;

  constructor(expression: string) {
    this.#tokens = expression.match(/<=|>=|<>|[=<>(),.+-]|[#:]?\w+/g) ?? [];
  }

  condition(): Condition {
    const any = [this.#every()];
    while (this.#skip('OR')) any.push(this.#every());
    return (scope) => any.some((each) => each(scope));
  }

  #every(): Condition {
    const all = [this.#single()];
    while (this.#skip('AND')) all.push(this.#single());
    return (scope) => all.every((each) => each(scope));
  }

  #single(): Condition {
    if (this.#skip('NOT')) {
      const denied = this.#single();
      return (scope) => !denied(scope);
    }
    if (this.#skip('(')) {
      const inner = this.condition();
      this.#expect(')');
      return inner;
    }
    for (const [name, wanted] of [
      ['attribute_exists', true],
      ['attribute_not_exists', false],
    ] as const) {
      if (!this.#skip(name)) continue;
      this.#expect('(');
      const path = this.path();
      this.#expect(')');
      return (scope) => (valueAt(scope, path) !== undefined) === wanted;
    }
    const left = this.operand();
    if (this.#skip('IN')) {
      this.#expect('(');
      const options = [this.operand()];
      while (this.#skip(',')) options.push(this.operand());
      this.#expect(')');
      return (scope) => options.some((option) => compare('=', left(scope), option(scope)));
    }
    if (this.#skip('BETWEEN')) {
      const low = this.operand();
      this.#expect('AND');
      const high = this.operand();
      return (scope) => compare('>=', left(scope), low(scope)) && compare('<=', left(scope), high(scope));
    }
    const comparison = this.#take();
    if (!(comparison in COMPARISONS)) throw new Error(`The store in memory knows no "${comparison}".`);
    const right = this.operand();
    return (scope) => compare(comparison, left(scope), right(scope));
  }

  update(): { assignments: Assignment[]; removals: (readonly string[])[] } {
    const assignments: Assignment[] = [];
    const removals: (readonly string[])[] = [];
    if (this.#skip('SET')) {
      do assignments.push(this.#assignment());
      while (this.#skip(','));
    }
    if (this.#skip('REMOVE')) {
      do removals.push(this.path());
      while (this.#skip(','));
    }
    this.end();
    return { assignments, removals };
  }

  #assignment(): Assignment {
    const path = this.path();
    this.#expect('=');
    const first = this.operand();
    const sign = this.#skip('+') ? 1 : this.#skip('-') ? -1 : 0;
    if (sign === 0) return { path, value: first };
    const second = this.operand();
    return { path, value: (scope) => Number(first(scope)) + sign * Number(second(scope)) };
  }

  operand(): Operand {
    if (this.#skip('if_not_exists')) {
      this.#expect('(');
      const path = this.path();
      this.#expect(',');
      const otherwise = this.operand();
      this.#expect(')');
      return (scope) => valueAt(scope, path) ?? otherwise(scope);
    }
    if (!this.#tokens[this.#at]?.startsWith(':')) {
      const path = this.path();
      return (scope) => valueAt(scope, path);
    }
    const name = this.#take();
    return ({ values }) => {
      if (!(name in values)) throw new Error(`The value ${name} is not defined.`);
      return values[name];
    };
  }

  path(): readonly string[] {
    const names = [this.#take()];
    while (this.#skip('.')) names.push(this.#take());
    return names;
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw new Error(`The store in memory does not understand "${this.#take()}".`);
  }

  #take(): string {
    this.#at += 1;
    return this.#tokens[this.#at - 1] ?? '';
  }

  #skip(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#skip(token)) throw new Error(`Expected "${token}", found "${this.#take()}".`);
  }
}

const readOnce = <Read>(read: (expression: string) => Read): ((expression: string) => Read) => {
  const known = new Map<string, Read>();
  return (expression) => {
    const before = known.get(expression);
    if (before !== undefined) return before;
    const now = read(expression);
    known.set(expression, now);
    return now;
  };
};

const conditionOf = readOnce((expression) => {
  const reader = new Reader(expression);
  const condition = reader.condition();
  reader.end();
  return condition;
});

const updateOf = readOnce((expression) => new Reader(expression).update());
