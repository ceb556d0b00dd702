import { beforeEach, type RunnerTask } from 'vitest';
import { LEFT_OUT_TESTS } from './not-here.ts';

/** Leaves out the tests that can not run on the emulator, and says why. */
beforeEach((context) => {
  const { file, fullTestName } = context.task;
  const reasons = LEFT_OUT_TESTS[file.name.replace(/^test\/e2e\//, '')];
  if (reasons === undefined) return;
  const names = namesIn(file.tasks);
  const unknown = Object.keys(reasons).filter((begin) => !names.some((name) => name.startsWith(begin)));
  if (unknown.length > 0) throw new Error(`There are no such tests in this file: ${unknown.join('; ')}`);
  const [, reason] = Object.entries(reasons).find(([begin]) => fullTestName.startsWith(begin)) ?? [];
  if (reason !== undefined) context.skip(reason);
});

const namesIn = (tasks: readonly RunnerTask[]): string[] =>
  tasks.flatMap((task) => ('tasks' in task ? namesIn(task.tasks) : [task.fullTestName]));
