import type * as z from 'zod';
import type { FieldIssue } from '../../domain/failure.ts';

/** A schema's complaints by field; an unknown field is named itself, not the object that it was found in. */
export const fieldIssues = (error: z.ZodError): FieldIssue[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: dotted([...issue.path, key]), message: 'There is no such field.' }))
      : [{ path: dotted(issue.path), message: issue.message }],
  );

/** Fields that no schema sees: what is named `__proto__` it leaves out without a word. */
export const unseenFields = (content: unknown): FieldIssue[] => {
  const issues: FieldIssue[] = [];
  const left: { value: unknown; path: readonly string[] }[] = [{ value: content, path: [] }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, path } = next;
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      if (name === '__proto__') issues.push({ path: dotted([...path, name]), message: 'Use another name.' });
      else left.push({ value: inner, path: [...path, name] });
    }
  }
  return issues;
};

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.');
