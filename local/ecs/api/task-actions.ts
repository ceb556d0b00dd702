import * as z from 'zod';
import { inSeconds } from '../../aws-json/in-seconds.ts';
import { EcsError } from '../ecs-error.ts';
import { nameIn } from '../names.ts';
import type { Task } from '../task.ts';
import { type Action, action, type Backend, Cluster } from './action.ts';
import { page, pageFields } from './page.ts';
import { ExpiresInMinutes, protect } from './protection.ts';
import { taskView } from './task-view.ts';

const ListTasks = z.strictObject({
  cluster: Cluster,
  serviceName: z.string().transform(nameIn).optional(),
  family: z.string().optional(),
  desiredStatus: z.enum(['RUNNING', 'STOPPED']).default('RUNNING'),
  launchType: z.unknown().optional(),
  ...pageFields,
});
const Tasks = z.array(z.string()).min(1).max(100);
const DescribeTasks = z.strictObject({ cluster: Cluster, tasks: Tasks, include: z.array(z.string()).optional() });
const StopTask = z.strictObject({ cluster: Cluster, task: z.string(), reason: z.string().optional() });
const UpdateTaskProtection = z.strictObject({
  cluster: Cluster,
  tasks: Tasks.max(10),
  protectionEnabled: z.boolean(),
  expiresInMinutes: ExpiresInMinutes,
});
const GetTaskProtection = z.strictObject({ cluster: Cluster, tasks: Tasks });

export const taskActions: Record<string, Action> = {
  ListTasks: action(ListTasks, ({ state, tasks }, { cluster, serviceName, family, desiredStatus, ...request }) => {
    if (serviceName !== undefined && state.service(cluster, serviceName) === undefined) {
      throw new EcsError('ServiceNotFoundException', 'Service not found.');
    }
    const found = tasks
      .all()
      .filter((task) => task.service.cluster === cluster && task.desiredStatus === desiredStatus)
      .filter((task) => serviceName === undefined || task.service.name === serviceName)
      .filter((task) => family === undefined || task.definition.family === family);
    const { arns, ...more } = page(found.map(({ arn }) => arn).sort(), 100, request);
    return { taskArns: arns, ...more };
  }),

  DescribeTasks: action(DescribeTasks, (backend, { cluster, tasks }) => {
    const { found, failures } = lookUp(backend, cluster, tasks);
    return { tasks: found.map((task) => taskView(backend.names, task)), failures };
  }),

  StopTask: action(StopTask, (backend, { cluster, task: reference, reason = 'Task stopped by user' }) => {
    const task = lookUp(backend, cluster, [reference]).found[0];
    if (task === undefined) throw new EcsError('InvalidParameterException', 'The referenced task was not found.');
    task.stop('UserInitiated', reason);
    return { task: taskView(backend.names, task) };
  }),

  UpdateTaskProtection: action(
    UpdateTaskProtection,
    (backend, { cluster, tasks, protectionEnabled, expiresInMinutes }) => {
      const { found, failures } = lookUp(backend, cluster, tasks);
      const told = { protectedTasks: running(found), failures: [...failures, ...notRunning(found)] };
      for (const task of told.protectedTasks) {
        protect(backend.supervisor, task, protectionEnabled, expiresInMinutes);
      }
      return { ...told, protectedTasks: told.protectedTasks.map(protection) };
    },
  ),

  GetTaskProtection: action(GetTaskProtection, (backend, { cluster, tasks }) => {
    const { found, failures } = lookUp(backend, cluster, tasks);
    return { protectedTasks: running(found).map(protection), failures: [...failures, ...notRunning(found)] };
  }),
};

const lookUp = ({ names, tasks }: Backend, cluster: string, references: readonly string[]) => {
  const all = references.map((reference) => ({ reference, task: tasks.get(nameIn(reference)) }));
  return {
    found: all.flatMap(({ task }) => (task?.service.cluster === cluster ? [task] : [])),
    failures: all
      .filter(({ task }) => task?.service.cluster !== cluster)
      .map(({ reference }) => ({ arn: names.task(cluster, nameIn(reference)), reason: 'MISSING' })),
  };
};

const running = (tasks: readonly Task[]) => tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING');

const notRunning = (tasks: readonly Task[]) =>
  tasks.filter(({ lastStatus }) => lastStatus !== 'RUNNING').map(({ arn }) => ({ arn, reason: 'TASK_NOT_VALID' }));

const protection = ({ arn, protectedUntil }: Task) =>
  protectedUntil > Date.now()
    ? { taskArn: arn, protectionEnabled: true, expirationDate: inSeconds(protectedUntil) }
    : { taskArn: arn, protectionEnabled: false };
