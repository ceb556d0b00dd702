import { type Api, serveActions } from '../../aws-json/serve-actions.ts';
import type { Loopback } from '../../loopback.ts';
import type { EcsErrorType } from '../ecs-error.ts';
import { containerMetadata, taskMetadata } from '../task-metadata.ts';
import type { Backend } from './action.ts';
import { protectionState, setProtectionState } from './agent.ts';
import { serviceActions } from './service-actions.ts';
import { taskActions } from './task-actions.ts';
import { taskDefinitionActions } from './task-definition-actions.ts';

const METADATA = /^\/v4\/([0-9a-f]+)(\/task)?$/;
const PROTECTION = /^\/api\/([0-9a-f]+)\/task-protection\/v1\/state$/;

/** Path of a task's metadata endpoint on the server. */
export const metadataPath = (taskId: string): string => `/v4/${taskId}`;

/** Path of the container agent on the server, as a task sees it. */
export const agentPath = (taskId: string): string => `/api/${taskId}`;

const get = (backend: Backend, path: string): object | undefined => {
  const protectedTask = backend.tasks.get(PROTECTION.exec(path)?.[1] ?? '');
  return protectedTask === undefined ? metadata(backend, path) : protectionState(protectedTask);
};

const put = (backend: Backend, path: string, body: unknown): object | undefined => {
  const task = backend.tasks.get(PROTECTION.exec(path)?.[1] ?? '');
  return task === undefined ? undefined : setProtectionState(backend, task, body);
};

const metadata = ({ names, tasks }: Backend, path: string): object | undefined => {
  const [, id = '', ofTask] = METADATA.exec(path) ?? [];
  const task = tasks.get(id);
  if (task === undefined) return undefined;
  return ofTask === undefined ? containerMetadata(task) : taskMetadata(names, task);
};

const api: Api<Backend, EcsErrorType> = {
  protocol: '1.1',
  targetPrefix: 'AmazonEC2ContainerServiceV20141113.',
  actions: { ...taskDefinitionActions, ...serviceActions, ...taskActions },
  unknownAction: 'UnsupportedFeatureException',
  notJson: 'InvalidParameterException',
  internalFault: 'ServerException',
  get,
  put,
};

/** The ECS API and the tasks' metadata endpoints. */
export const serve = (backend: Backend, port: number): Promise<Loopback> => serveActions(api, backend, port);
