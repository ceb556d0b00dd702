import { actingAs, presentRole } from './caller.ts';
import { record, recordingDirectory } from './record.ts';

/** Runs a function in its own role, and notes that whoever runs it here has invoked it. */
export const recordInvocation = async <Result>(name: string, run: () => Promise<Result>): Promise<Result> => {
  const role = presentRole();
  if (recordingDirectory === undefined) return run();
  const startedAt = performance.now();
  const note = (refused: number) => {
    if (role === undefined) return;
    const use = { refused, milliseconds: performance.now() - startedAt };
    record({ role, action: 'lambda:InvokeFunction', resource: `function/${name}` }, use);
  };
  try {
    const result = await actingAs(`function/${name}`, run);
    note(0);
    return result;
  } catch (error) {
    note(1);
    throw error;
  }
};
