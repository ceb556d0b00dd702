import { randomBytes } from 'node:crypto';
import { agentPath, metadataPath, serve } from './api/server.ts';
import { startContainer } from './container-process.ts';
import type { Image } from './image.ts';
import { Names } from './names.ts';
import { type Service, StoredState } from './stored-state.ts';
import { Supervisor } from './supervisor.ts';
import { Task } from './task.ts';
import { type TaskEvent, TaskEventLog } from './task-events.ts';
import { TaskList } from './task-list.ts';

export type { TaskEvent } from './task-events.ts';

export type EcsOptions = {
  /** The port on 127.0.0.1; 0 takes one that is free. */
  readonly port: number;
  /** Where task definitions, services, logs and the record of starts and stops are kept. */
  readonly directory: string;
  /** What an image reference stands for; undefined: there is no such image. */
  readonly images: (reference: string) => Image | undefined;
  readonly region: string;
  readonly accountId: string;
  /**
   * What every container finds in its environment besides what its task definition says: endpoints and credentials
   * for the AWS SDK. Here and not in a task definition, because those outlive the run whose ports they would name.
   * @default nothing
   */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told of each start and stop, after it is on record. */
  readonly onTaskEvent?: (event: TaskEvent) => void;
};

/** A local ECS that listens. */
export type Ecs = {
  /** The endpoint for an ECSClient. */
  readonly url: string;
  /** Stops all tasks, together; the services stay on disk, and the next start starts them again. */
  close(): Promise<void>;
};

/** Starts the supervisor that plays ECS, and the services that an earlier one has left in the directory. */
export const startEcs = async (options: EcsOptions): Promise<Ecs> => {
  const { port, directory, images, region, accountId, environment = {}, onTaskEvent = () => {} } = options;
  const names = new Names(region, accountId);
  const state = new StoredState(directory);
  const events = new TaskEventLog(directory, onTaskEvent);
  const tasks = new TaskList();

  const startTask = (service: Service): Task => {
    const definition = state.taskDefinition(service.taskDefinition);
    if (definition === undefined) throw new Error(`There is no task definition ${service.taskDefinition}`);
    const id = randomBytes(16).toString('hex');
    const task = new Task(id, names.task(service.cluster, id), service, definition, {
      start: (started) => startContainer({ directory, region, environment, metadataUri, agentUri }, started),
      imageOf: images,
      onEvent: (event) => events.add(event),
    });
    tasks.add(task);
    task.start();
    return task;
  };

  const supervisor = new Supervisor(state, startTask);
  const endpoint = await serve({ names, state, tasks, supervisor }, port);
  const metadataUri = (taskId: string) => `${endpoint.url}${metadataPath(taskId)}`;
  const agentUri = (taskId: string) => `${endpoint.url}${agentPath(taskId)}`;
  supervisor.startAll();

  return {
    url: endpoint.url,
    async close() {
      // Still answering: a task that stops may ask for its metadata.
      await supervisor.close();
      await endpoint.close();
    },
  };
};
