/** The value that `percent` of the numbers do not exceed (nearest rank). */
export const percentile = (numbers: readonly number[], percent: number): number => {
  const sorted = [...numbers].sort((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
};

/** Prints rows as a Markdown table, to be pasted where figures are quoted. */
export const printTable = (rows: readonly Record<string, string>[]): void => {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  console.log(
    [
      line(columns),
      line(columns.map(() => '---')),
      ...rows.map((row) => line(columns.map((name) => row[name] ?? ''))),
    ].join('\n'),
  );
  console.log();
};
