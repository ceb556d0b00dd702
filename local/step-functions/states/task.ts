import type { PendingTask } from '../cursor.ts';
import type { TaskState } from '../definition.ts';
import { StateFailure, withinLimit } from '../failure.ts';
import type { Frame } from '../frame.ts';
import type { Resource } from '../resources/resource.ts';
import { newToken } from '../task-token.ts';
import { answerOf } from './answer.ts';
import { leave, type Transition } from './leave.ts';
import { taskEvents } from './task-events.ts';
import { wholeNumber } from './whole-number.ts';

/**
 * Calls a resource, and waits for its answer. What was scheduled is on disk before the call is made, so that after a
 * restart a call is never made twice without a Retry saying so.
 */
export const runTask = async (frame: Frame, state: TaskState): Promise<Transition> => {
  const resource = frame.execution.machine.resources.get(state.Resource);
  if (resource === undefined) throw new StateFailure('States.Runtime', `There is no resource '${state.Resource}'.`);
  const { pending } = frame.cursor;
  const answer =
    pending?.kind === 'task'
      ? (pending.answer ?? (await answerOf(frame, resource, pending, true)))
      : await answerOf(frame, resource, await schedule(frame, state, resource), false);
  const events = taskEvents(resource);
  if ('failure' in answer) {
    const { error, cause, alias } = answer.failure;
    frame.record(...events.failed(error, cause));
    delete frame.cursor.pending;
    throw new StateFailure(error, cause, alias);
  }
  frame.record(...events.succeeded(answer.output));
  delete frame.cursor.pending;
  return leave(frame, state, { output: answer.output, result: answer.output });
};

const schedule = async (frame: Frame, state: TaskState, resource: Resource): Promise<PendingTask> => {
  const token = resource.answeredBy === 'token' ? newToken(frame.execution.row.arn, frame.path) : undefined;
  const { Arguments, TimeoutSeconds, HeartbeatSeconds } = state;
  const given = Arguments === undefined ? frame.cursor.input : await frame.evaluate(Arguments, 'Arguments', { token });
  const input = withinLimit(resource.prepare?.(given) ?? given, 'task input');
  const pending: PendingTask = { kind: 'task', input, startedAt: frame.now, heartbeatAt: frame.now };
  if (token !== undefined) pending.token = token;
  if (TimeoutSeconds !== undefined) {
    pending.timeoutSeconds = await wholeNumber(frame, TimeoutSeconds, 'TimeoutSeconds');
  }
  if (HeartbeatSeconds !== undefined) {
    pending.heartbeatSeconds = await wholeNumber(frame, HeartbeatSeconds, 'HeartbeatSeconds');
  }
  const events = taskEvents(resource);
  frame.record(...events.scheduled(pending, frame.execution.surroundings.region));
  frame.record(...events.started());
  frame.cursor.pending = pending;
  frame.commit();
  return pending;
};
