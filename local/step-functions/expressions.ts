import jsonata from 'jsonata';
import { addStepFunctions, type World } from './jsonata-functions.ts';

/** What an expression sees: `$states` and the variables. */
export type Bindings = Readonly<Record<string, unknown>>;

/** The JSONata inside `{% … %}`, or undefined for a string that is only a string. */
export const expressionIn = (text: string): string | undefined =>
  text.startsWith('{%') && text.endsWith('%}') ? text.slice(2, -2) : undefined;

/** The expressions of one machine, each compiled once. */
export class Expressions {
  readonly #world: World;
  readonly #compiled = new Map<string, jsonata.Expression>();

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Compiles the expression of a string, if it is one.
   * @throws {Error} with what is wrong with it
   */
  compile(text: string): void {
    const source = expressionIn(text);
    if (source === undefined || this.#compiled.has(text)) return;
    const expression = parse(source);
    if (mentionsEval(expression.ast())) throw new Error('$eval is not available in Step Functions; use $parse');
    addStepFunctions(expression, this.#world);
    this.#compiled.set(text, expression);
  }

  /**
   * The value of a template: JSON in which any string may be an expression.
   * @throws {Error} if an expression fails or yields nothing
   */
  async evaluate(template: unknown, bindings: Bindings): Promise<unknown> {
    if (typeof template === 'string') return this.#evaluateText(template, bindings);
    if (typeof template !== 'object' || template === null) return template;
    if (Array.isArray(template)) {
      const items: unknown[] = [];
      for (const item of template) items.push(await this.evaluate(item, bindings));
      return items;
    }
    const fields: [string, unknown][] = [];
    for (const [name, field] of Object.entries(template)) fields.push([name, await this.evaluate(field, bindings)]);
    // Not set one by one: a field may be named "__proto__".
    return Object.fromEntries(fields);
  }

  async #evaluateText(text: string, bindings: Bindings): Promise<unknown> {
    const expression = this.#compiled.get(text);
    if (expression === undefined) return text;
    try {
      return asJson(await expression.evaluate(undefined, bindings));
    } catch (error) {
      throw new Error(`The JSONata expression '${expressionIn(text)?.trim()}' ${messageOf(error)}`);
    }
  }
}

const parse = (source: string): jsonata.Expression => {
  try {
    return jsonata(source);
  } catch (error) {
    throw new Error(`'${source.trim()}' is not JSONata: ${messageOf(error)}`);
  }
};

/** JSONata throws plain objects as well as errors. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

/**
 * Plain JSON from what JSONata returned. Its arrays carry hidden marks (sequence, constructed) that would change how a
 * later expression reads them, and are never to be told from what a restart reads from disk.
 */
const asJson = (result: unknown): unknown => {
  if (result === undefined) throw new Error('returned nothing (undefined)');
  if (typeof result === 'function') throw new Error('returned a function');
  if (typeof result !== 'object' || result === null) return result;
  if ('_jsonata_lambda' in result || '_jsonata_function' in result) throw new Error('returned a function');
  return JSON.parse(JSON.stringify(result));
};

const mentionsEval = (node: unknown): boolean => {
  if (typeof node !== 'object' || node === null) return false;
  if ('type' in node && node.type === 'variable' && 'value' in node && node.value === 'eval') return true;
  return Object.values(node).some(mentionsEval);
};
