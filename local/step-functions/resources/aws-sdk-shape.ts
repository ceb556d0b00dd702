import { StateFailure } from '../failure.ts';

/**
 * Step Functions writes every field of every service in PascalCase; the services have their own case (ECS: camelCase).
 * Only names of fields change, never keys of maps, so the walk follows the shapes that the SDK itself serializes by:
 * arrays `[kind, namespace, name, traits, …]`, where a list goes on with the shape of its items, a map with those of its
 * keys and values, a structure or union with the names and the shapes of its fields.
 */
type Shape = readonly unknown[];
const LIST = 1;
const MAP = 2;
const BLOB = 21;
const LIST_OF_BLOBS = 64 + BLOB;

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The shape behind a reference: the SDK wraps one in a function where shapes refer to each other, or pairs it with traits. */
const resolve = (reference: unknown): Shape | number | undefined => {
  if (typeof reference === 'number') return reference;
  if (typeof reference === 'function') return resolve(reference());
  if (!Array.isArray(reference)) return undefined;
  return typeof reference[1] === 'string' ? reference : resolve(reference[0]);
};

const fieldsOf = (shape: Shape): [string, unknown][] => {
  const [, , , , names, shapes] = shape as [unknown, unknown, unknown, unknown, string[], unknown[]];
  return names.map((name, n) => [name, shapes[n]]);
};

/** The fields of a structure as Step Functions writes them. */
export const fieldNames = (reference: unknown): string[] => {
  const shape = resolve(reference);
  return Array.isArray(shape) ? fieldsOf(shape).map(([name]) => capitalized(name)) : [];
};

/**
 * A command's input from a task's arguments.
 * @throws {StateFailure} States.Runtime for a field that the service does not have
 */
export const fromStepFunctions = (value: unknown, reference: unknown): unknown => {
  const shape = resolve(reference);
  if (typeof value === 'string' && shape === BLOB) return Buffer.from(value, 'base64');
  if (Array.isArray(value) && shape === LIST_OF_BLOBS) return value.map((item) => fromStepFunctions(item, BLOB));
  return walk(value, shape, fromStepFunctions, (fields, known) => {
    const byWrittenName = new Map(known.map(([name, inner]) => [capitalized(name), { name, inner }]));
    return Object.entries(fields).map(([written, field]) => {
      const found = byWrittenName.get(written);
      if (found === undefined) throw new StateFailure('States.Runtime', `The service has no field '${written}'.`);
      return [found.name, fromStepFunctions(field, found.inner)];
    });
  });
};

/** A task's result from a command's output. */
export const toStepFunctions = (value: unknown, reference: unknown): unknown => {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const shape = resolve(reference);
  if (Array.isArray(value) && shape === LIST_OF_BLOBS) return value.map((item) => toStepFunctions(item, BLOB));
  return walk(value, shape, toStepFunctions, (fields, known) =>
    known
      .filter(([name]) => fields[name] !== undefined)
      .map(([name, inner]) => [capitalized(name), toStepFunctions(fields[name], inner)]),
  );
};

type Convert = (value: unknown, reference: unknown) => unknown;
type ConvertFields = (fields: Record<string, unknown>, known: [string, unknown][]) => [string, unknown][];

const walk = (value: unknown, shape: Shape | number | undefined, convert: Convert, convertFields: ConvertFields) => {
  if (typeof value !== 'object' || value === null || !Array.isArray(shape)) return value;
  if (shape[0] === LIST) return Array.isArray(value) ? value.map((item) => convert(item, shape[4])) : value;
  const fields = value as Record<string, unknown>;
  if (shape[0] === MAP) {
    return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, convert(field, shape[5])]));
  }
  return Object.fromEntries(convertFields(fields, fieldsOf(shape)));
};
