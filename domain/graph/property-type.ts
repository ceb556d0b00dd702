/**
 * A property's type, read from its text. The text is the engine's own notation: `INT64`, `DECIMAL(18, 3)`, `DATE[]`,
 * `DOUBLE[3]`, `MAP(STRING, INT64)`, `STRUCT(street STRING, since DATE)`.
 */
export type PropertyType =
  | { kind: 'scalar'; name: string }
  | { kind: 'decimal'; precision: number; scale: number }
  /** `length` is set for an array of a fixed length. */
  | { kind: 'list'; element: PropertyType; length: number | null }
  | { kind: 'map'; key: PropertyType; value: PropertyType }
  | { kind: 'struct'; fields: StructField[] };

export type StructField = { name: string; type: PropertyType };

/** Reads a type's shape, or `undefined` when the text has none. Whether we support the type is another question. */
export const parsePropertyType = (text: string): PropertyType | undefined => {
  const trimmed = text.trim();
  const list = /^(.+)\[(\d*)\]$/s.exec(trimmed);
  if (list?.[1] !== undefined) return parseList(list[1], list[2] ?? '');
  const call = /^([A-Za-z]+)\s*\((.*)\)$/s.exec(trimmed);
  if (call?.[1] !== undefined) return parseParameterised(call[1].toUpperCase(), splitAtDepthZero(call[2] ?? '', ','));
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(trimmed) ? { kind: 'scalar', name: trimmed.toUpperCase() } : undefined;
};

/** The type's canonical text, which the engine reads and returns. */
export const propertyTypeText = (type: PropertyType): string => {
  switch (type.kind) {
    case 'scalar':
      return type.name;
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case 'list':
      return `${propertyTypeText(type.element)}[${type.length ?? ''}]`;
    case 'map':
      return `MAP(${propertyTypeText(type.key)}, ${propertyTypeText(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map(({ name, type: field }) => `${name} ${propertyTypeText(field)}`).join(', ')})`;
  }
};

const parseList = (element: string, length: string): PropertyType | undefined => {
  const parsed = parsePropertyType(element);
  return parsed && { kind: 'list', element: parsed, length: length === '' ? null : Number(length) };
};

const parseParameterised = (name: string, parameters: string[]): PropertyType | undefined => {
  if (name === 'DECIMAL') return parseDecimal(parameters);
  if (name === 'MAP') return parseMap(parameters);
  if (name === 'STRUCT') return parseStruct(parameters);
  return undefined;
};

const parseDecimal = ([precision, scale, ...rest]: string[]): PropertyType | undefined => {
  if (precision === undefined || scale === undefined || rest.length > 0) return undefined;
  if (!/^\s*\d{1,3}\s*$/.test(precision) || !/^\s*\d{1,3}\s*$/.test(scale)) return undefined;
  return { kind: 'decimal', precision: Number(precision), scale: Number(scale) };
};

const parseMap = ([keyText, valueText, ...rest]: string[]): PropertyType | undefined => {
  if (keyText === undefined || valueText === undefined || rest.length > 0) return undefined;
  const key = parsePropertyType(keyText);
  const value = parsePropertyType(valueText);
  return key && value && { kind: 'map', key, value };
};

const parseStruct = (parameters: string[]): PropertyType | undefined => {
  const fields: StructField[] = [];
  for (const parameter of parameters) {
    // Types have no space outside of their brackets, so the last one there ends the field's name.
    const words = splitAtDepthZero(parameter.trim(), ' ');
    const type = parsePropertyType(words.at(-1) ?? '');
    const name = words.slice(0, -1).join(' ').trim();
    if (type === undefined || name === '') return undefined;
    fields.push({ name, type });
  }
  return { kind: 'struct', fields };
};

const splitAtDepthZero = (text: string, separator: string): string[] => {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
};
