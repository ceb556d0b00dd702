import { existsSync } from 'node:fs';
import { identityOf, type RecordedCall, readRecording, sumOf } from '../../local/recording/recorded-call.ts';
import { recordingOf } from '../fixtures/recordings.ts';

/** The runs that are recorded, and how to record each. */
const RUNS = { e2e: 'npm test', faults: 'npm run test:faults', scenarios: 'npm run test:scenarios' } as const;

/**
 * All that the runs asked AWS for, each call once.
 * @throws {Error} one of them was not recorded
 */
export const recordedCalls = (): RecordedCall[] => {
  const calls = new Map<string, RecordedCall>();
  for (const [run, command] of Object.entries(RUNS)) {
    const directory = recordingOf(run);
    if (!existsSync(directory)) throw new Error(`There is no recording of ${run}: run "${command}" first.`);
    for (const call of readRecording(directory).filter((call) => isOurs(run, call))) {
      const identity = identityOf(call);
      calls.set(identity, { ...call, ...sumOf(calls.get(identity), call) });
    }
  }
  return [...calls.values()];
};

/** A step of a machine is no call; and faults are made to happen while a machine calls a function, by calls of the test's. */
const isOurs = (run: string, { role, action }: RecordedCall): boolean =>
  action !== 'transition' && !(run === 'faults' && role.startsWith('machine/') && action !== 'lambda:InvokeFunction');
