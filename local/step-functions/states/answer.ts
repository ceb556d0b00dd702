import { actingAs } from '../../recording/caller.ts';
import type { Answer, PendingTask } from '../cursor.ts';
import { heartbeatMissed, StateFailure, timedOut, withinLimit } from '../failure.ts';
import type { Frame } from '../frame.ts';
import type { Resource } from '../resources/resource.ts';
import { RunnerClosed } from '../runner-closed.ts';
import { taskEvents } from './task-events.ts';

/**
 * The answer to a task, whoever gives it first: the call, the holder of the token, the execution that the call started,
 * or the clock.
 * @param resumed the task was scheduled by a process that has died
 */
export const answerOf = async (
  frame: Frame,
  resource: Resource,
  task: PendingTask,
  resumed: boolean,
): Promise<Answer> => {
  if (resumed && task.submitted === undefined && resource.lost !== undefined) return answerFrom(resource.lost);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const abort = () => reject(frame.signal.reason);
  frame.signal.addEventListener('abort', abort, { once: true });
  frame.answered = resolve;
  const stopWatching = watchDeadline(frame, task, resolve);
  let over = false;
  call(frame, resource, task, resumed, () => over)
    .then((answer) => answer && resolve(answer))
    .catch((error: unknown) => (error instanceof StateFailure ? resolve(answerFrom(error)) : reject(error)));
  let answer: Answer | undefined;
  try {
    answer = await promise;
    return answer;
  } finally {
    over = true;
    stopWatching();
    frame.answered = undefined;
    frame.signal.removeEventListener('abort', abort);
    const abandoned = answer === undefined ? !(frame.signal.reason instanceof RunnerClosed) : isTimeout(answer);
    if (abandoned && task.submitted !== undefined && resource.answeredBy === 'execution')
      resource.cancel?.(task.submitted);
  }
};

/** Makes the call, unless it was made before; resolves with nothing when the answer comes by token. */
const call = async (
  frame: Frame,
  resource: Resource,
  task: PendingTask,
  resumed: boolean,
  isOver: () => boolean,
): Promise<Answer | undefined> => {
  if (task.submitted === undefined) {
    const { machineName, row } = frame.execution;
    const run = () => resource.call(task.input, resumed, row.traceHeader ?? undefined);
    const called = await actingAs(`machine/${machineName}`, run);
    const result = withinLimit(called, 'task result');
    if (resource.answeredBy === 'call') return { output: result };
    // The token may have been answered, or the time may have run out, before the call was.
    if (isOver()) return undefined;
    task.submitted = result;
    frame.record(...taskEvents(resource).submitted(result));
    frame.commit();
  }
  if (resource.answeredBy === 'token') return undefined;
  return { output: withinLimit(await resource.finish?.(task.submitted), 'task result') };
};

/** Answers for a task that nobody answered in time. A heartbeat moves the deadline, so it is looked at again. */
const watchDeadline = (frame: Frame, task: PendingTask, answer: (answer: Answer) => void): (() => void) => {
  const { clock } = frame.execution.surroundings;
  let cancel = () => {};
  const watch = () => {
    const { at, failure } = deadlineOf(task);
    if (at === Number.POSITIVE_INFINITY) return;
    if (clock.now() >= at) answer(answerFrom(failure()));
    else cancel = clock.schedule(at, watch);
  };
  watch();
  return () => cancel();
};

const deadlineOf = (task: PendingTask): { at: number; failure: () => StateFailure } => {
  const { startedAt, heartbeatAt, timeoutSeconds = Number.POSITIVE_INFINITY } = task;
  const { heartbeatSeconds = Number.POSITIVE_INFINITY } = task;
  const end = startedAt + timeoutSeconds * 1000;
  const beat = heartbeatAt + heartbeatSeconds * 1000;
  return beat < end ? { at: beat, failure: heartbeatMissed } : { at: end, failure: timedOut };
};

const answerFrom = ({ error, cause, alias }: StateFailure): Answer => ({ failure: { error, cause, alias } });

const isTimeout = (answer: Answer): boolean => 'failure' in answer && answer.failure.error === 'States.Timeout';
