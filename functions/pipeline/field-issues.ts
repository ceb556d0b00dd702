import type * as z from 'zod';
import type { FieldIssue } from '../../domain/failure.ts';

/** A schema's complaints by field; an unknown field is named itself, not the object that it was found in. */
export const fieldIssues = (error: z.ZodError): FieldIssue[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ path: dotted([...issue.path, key]), message: 'There is no such field.' }))
      : [{ path: dotted(issue.path), message: issue.message }],
  );

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.');
