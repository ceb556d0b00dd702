import type { PropertyType } from '../../domain/graph/property-type.ts';
import { quotedName } from '../database/schema-statements.ts';
import { sqlName } from '../staging/duckdb-session.ts';
import { stagedType } from '../staging/staged-type.ts';

/**
 * Cypher for a value as the engine is to write it to Parquet: what it does not write, or not exactly, is text. Staged rows
 * have text in these places too.
 */
export const written = (place: string, type: PropertyType): string => {
  if (!isWrittenAsText(type)) return place;
  switch (type.kind) {
    case 'scalar':
    case 'decimal':
      return `CAST(${place}, 'STRING')`;
    case 'list':
      // As a whole it casts a list of decimals by ending its process; element by element it can.
      return `list_transform(${place}, item -> ${written('item', type.element)})`;
    case 'struct': {
      const fields = type.fields.map(
        ({ name, type: field }) => `${quotedName(name)} := ${written(`struct_extract(${place}, '${name}')`, field)}`,
      );
      return `CASE WHEN ${place} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`;
    }
    // Text in a map can not be staged.
    case 'map':
      return place;
  }
};

/** SQL for the staged value of a column that the engine has written so. */
export const read = (column: string, type: PropertyType): string =>
  `CAST(${withSigns(sqlName(column), type)} AS ${stagedType(type)}) AS ${sqlName(column)}`;

/** Whether the engine writes anything of a value as text. */
const isWrittenAsText = (type: PropertyType): boolean => {
  switch (type.kind) {
    case 'decimal':
      return true;
    case 'scalar':
      return type.name === 'INT128' || type.name === 'INTERVAL';
    case 'list':
      return isWrittenAsText(type.element);
    case 'struct':
      return type.fields.some(({ type: field }) => isWrittenAsText(field));
    case 'map':
      return false;
  }
};

/** The engine misplaces the sign of a decimal between -1 and 0: it writes -0.05 as `0.-5`. */
const withSigns = (place: string, type: PropertyType): string => {
  if (!hasDecimal(type)) return place;
  switch (type.kind) {
    case 'decimal':
      return `CASE WHEN starts_with(${place}, '0.-') THEN '-0.' || lpad(substr(${place}, 4), ${type.scale}, '0') ELSE ${place} END`;
    case 'list':
      return `list_transform(${place}, lambda item: ${withSigns('item', type.element)})`;
    case 'struct': {
      const fields = type.fields.map(
        ({ name, type: field }) => `${sqlName(name)} := ${withSigns(`${place}.${sqlName(name)}`, field)}`,
      );
      return `CASE WHEN ${place} IS NULL THEN NULL ELSE struct_pack(${fields.join(', ')}) END`;
    }
    case 'scalar':
    case 'map':
      return place;
  }
};

const hasDecimal = (type: PropertyType): boolean => {
  switch (type.kind) {
    case 'decimal':
      return true;
    case 'list':
      return hasDecimal(type.element);
    case 'struct':
      return type.fields.some(({ type: field }) => hasDecimal(field));
    case 'scalar':
    case 'map':
      return false;
  }
};

export const cypherText = (text: string): string => `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
