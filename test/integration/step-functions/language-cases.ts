import type { LanguageCase } from './language-cases/case.ts';
import { choices } from './language-cases/choices.ts';
import { data } from './language-cases/data.ts';
import { ends } from './language-cases/ends.ts';
import { maps } from './language-cases/maps.ts';
import { nested } from './language-cases/nested.ts';
import { parallels } from './language-cases/parallels.ts';
import { retries } from './language-cases/retries.ts';
import { tasks } from './language-cases/tasks.ts';
import { tokens } from './language-cases/tokens.ts';
import { variables } from './language-cases/variables.ts';
import { waits } from './language-cases/waits.ts';

export type { Behaviour, LanguageCase } from './language-cases/case.ts';

/**
 * The States language, case by case, by the part of it that a case is about. Data only, so that any other Step Functions
 * can be held against it.
 */
export const languageCases: Record<string, readonly LanguageCase[]> = {
  data,
  variables,
  choices,
  ends,
  waits,
  tasks,
  tokens,
  retries,
  parallels,
  maps,
  nested,
};
