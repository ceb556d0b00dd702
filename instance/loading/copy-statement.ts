import { propertyTypeText } from '../../domain/graph/property-type.ts';
import { quotedName } from '../database/schema-statements.ts';
import { isDecimalList } from '../staging/staged-type.ts';
import type { TableColumn } from '../staging/table-columns.ts';

/** The statement that copies staged Parquet into its table. */
export const copyStatement = (
  { table, columns }: { table: string; columns: readonly TableColumn[] },
  file: string,
): string => {
  const parquet = `'${file.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
  if (!columns.some(({ type }) => isDecimalList(type))) return `COPY ${quotedName(table)} FROM ${parquet}`;
  const values = columns.map(({ name, type }) =>
    // COPY casts a list of texts to one of decimals by ending its process; element by element it can.
    type.kind === 'list' && isDecimalList(type)
      ? `list_transform(${quotedName(name)}, item -> CAST(item, '${propertyTypeText(type.element)}'))`
      : quotedName(name),
  );
  return `COPY ${quotedName(table)} FROM (LOAD FROM ${parquet} RETURN ${values.join(', ')})`;
};
