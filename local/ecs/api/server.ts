import { type Api, type Endpoint, serveActions } from '../../aws-json/serve-actions.ts';
import type { EcsErrorType } from '../ecs-error.ts';
import { containerMetadata, taskMetadata } from '../task-metadata.ts';
import type { Backend } from './action.ts';
import { serviceActions } from './service-actions.ts';
import { taskActions } from './task-actions.ts';
import { taskDefinitionActions } from './task-definition-actions.ts';

const METADATA = /^\/v4\/([0-9a-f]+)(\/task)?$/;

/** Path of a task's metadata endpoint on the server. */
export const metadataPath = (taskId: string): string => `/v4/${taskId}`;

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
  get: metadata,
};

/** The ECS API and the tasks' metadata endpoints. */
export const serve = (backend: Backend, port: number): Promise<Endpoint> => serveActions(api, backend, port);
