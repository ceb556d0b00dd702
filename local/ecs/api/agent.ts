import * as z from 'zod';
import { record } from '../../recording/record.ts';
import { EcsError } from '../ecs-error.ts';
import type { Task } from '../task.ts';
import type { Backend } from './action.ts';
import { ExpiresInMinutes, protect } from './protection.ts';

const State = z.strictObject({ ProtectionEnabled: z.boolean(), ExpiresInMinutes });

/** What the agent asks ECS for, it asks in the role of the task. */
const recordAgent = (action: 'GetTaskProtection' | 'UpdateTaskProtection', { service }: Task): void =>
  record({
    role: 'instance',
    action: `ecs:${action}`,
    resource: 'task/*',
    context: { 'ecs:cluster': `cluster/${service.cluster}` },
  });

/** `GET $ECS_AGENT_URI/task-protection/v1/state`: what a task knows of its own protection. */
export const protectionState = (task: Task): object => {
  recordAgent('GetTaskProtection', task);
  return stateOf(task);
};

const stateOf = ({ arn, protectedUntil }: Task): object => ({
  protection: {
    ...(protectedUntil > Date.now() && { ExpirationDate: new Date(protectedUntil).toISOString() }),
    ProtectionEnabled: protectedUntil > Date.now(),
    TaskArn: arn,
  },
});

/** `PUT` of the same: the task protects itself, or lets go. */
export const setProtectionState = ({ supervisor }: Backend, task: Task, body: unknown): object => {
  recordAgent('UpdateTaskProtection', task);
  const parsed = State.safeParse(body);
  if (!parsed.success) throw new EcsError('InvalidParameterException', z.prettifyError(parsed.error));
  protect(supervisor, task, parsed.data.ProtectionEnabled, parsed.data.ExpiresInMinutes);
  return stateOf(task);
};
