import type { EntityInput } from '../../domain/graph/entity.ts';
import type { ResolvedSchema } from '../../domain/graph/graph-schema.ts';
import { type PropertyType, parsePropertyType } from '../../domain/graph/property-type.ts';
import type { EngineParameters, EngineValue } from './engine.ts';
import { quotedName, typeStatement } from './schema-statements.ts';

type Value = EntityInput['properties'][string];

/**
 * The statement that creates the first entity. Values travel as parameters, most of them as text that the engine
 * casts to the property's type: that is exact for integers beyond 2^53, decimals and microseconds.
 */
export const entityStatement = (
  { table, properties }: EntityInput,
  { nodes }: ResolvedSchema,
): { text: string; parameters: EngineParameters } => {
  const node = nodes.find(({ name }) => name === table);
  if (node === undefined) throw new TypeError(`The schema has no node ${table}`);
  const parameters: EngineParameters = {};
  const assignments = node.properties.flatMap(({ name, type }, index) => {
    // A property can have the name of what every object has, such as `valueOf`.
    const value = Object.hasOwn(properties, name) ? properties[name] : null;
    if (value === undefined || value === null) return [];
    const cast = (source: string) => [`${quotedName(name)}: CAST(${source}, '${typeStatement(type)}')`];
    // The engine can not tell the type of a list without values from a parameter.
    if (Array.isArray(value) && value.every((item) => item === null))
      return cast(`[${value.map(() => 'NULL').join(', ')}]`);
    parameters[`value${index}`] = parameterOf(parsePropertyType(type), value);
    return cast(`$value${index}`);
  });
  return { text: `CREATE (:${quotedName(table)} {${assignments.join(', ')}})`, parameters };
};

const parameterOf = (type: PropertyType | undefined, value: Value): EngineValue => {
  if (type?.kind === 'list' && Array.isArray(value)) return value.map((item) => parameterOf(type.element, item));
  if (value === null || typeof value === 'boolean') return value;
  if (type?.kind === 'scalar' && (type.name === 'DOUBLE' || type.name === 'FLOAT')) return Number(value);
  const text = String(value);
  if (type?.kind === 'scalar' && type.name === 'BLOB') return escapedBytes(Buffer.from(text, 'base64'));
  if (type?.kind === 'scalar' && type.name === 'INTERVAL') return intervalText(text);
  return text;
};

const escapedBytes = (bytes: Buffer): string =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');

/** `P1Y2M3DT4H5M6.5S` in the engine's words. */
const intervalText = (duration: string): string => {
  const [, years, months, days, hours, minutes, seconds, fraction] =
    /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?$/.exec(duration) ?? [];
  const microseconds = Number((fraction ?? '').padEnd(6, '0'));
  const amounts = { years, months, days, hours, minutes, seconds, microseconds };
  return Object.entries(amounts)
    .flatMap(([unit, amount]) => (amount === undefined ? [] : [`${amount} ${unit}`]))
    .join(' ');
};
