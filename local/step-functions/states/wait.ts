import { waitUntil } from '../clock.ts';
import type { WaitState } from '../definition.ts';
import type { Frame } from '../frame.ts';
import { leave, type Transition } from './leave.ts';
import { wholeNumber } from './whole-number.ts';

/** Waits for some seconds, or until a time. The end is fixed when the state is entered: a restart does not move it. */
export const runWait = async (frame: Frame, state: WaitState): Promise<Transition> => {
  const { cursor } = frame;
  if (cursor.pending?.kind !== 'wait') {
    cursor.pending = { kind: 'wait', until: await endOf(frame, state) };
    frame.commit();
  }
  await waitUntil(frame.execution.surroundings.clock, cursor.pending.until, frame.signal);
  return leave(frame, state, { output: cursor.input });
};

const endOf = async (frame: Frame, { Seconds, Timestamp }: WaitState): Promise<number> => {
  if (Seconds !== undefined) return frame.now + 1000 * (await wholeNumber(frame, Seconds, 'Seconds'));
  const at = await frame.evaluate(Timestamp, 'Timestamp');
  const until = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  if (Number.isNaN(until)) throw frame.evaluationFailed('Timestamp', 'it is not a time');
  return until;
};
