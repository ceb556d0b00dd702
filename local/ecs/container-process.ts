import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { recordingDirectory } from '../recording/record.ts';
import { openServiceOutput } from './service-output.ts';
import { spawnChild } from './spawn-child.ts';
import type { Task } from './task.ts';

export type ContainerOptions = {
  readonly directory: string;
  readonly region: string;
  /** What every container finds in its environment, unless its task definition says otherwise. */
  readonly environment: Readonly<Record<string, string>>;
  /** Address of a task's metadata. */
  readonly metadataUri: (taskId: string) => string;
  /** Address of the container agent for a task. */
  readonly agentUri: (taskId: string) => string;
};

const TELL_PORTS = new URL('./tell-ports.ts', import.meta.url).href;
const NOTE_CALLS = new URL('../recording/in-container.ts', import.meta.url).href;

/**
 * A service's working directory, which the task after finds as the one before left it: a host volume, as ECS on EC2 has.
 * On Fargate a task begins with an empty disk; remove the directory to see that.
 */
const volumeOf = (directory: string, service: string): string => join(directory, 'services', service);

/**
 * Starts a task's container as a process.
 * @throws {Error} there is no such image
 */
export const startContainer = (options: ContainerOptions, task: Task): ChildProcess => {
  const { directory, region, environment, metadataUri, agentUri } = options;
  const { image, environment: variables = [] } = task.definition.container;
  if (task.image === undefined) {
    throw new Error(`CannotPullContainerError: "${image}" is not an image that this machine knows`);
  }
  const home = volumeOf(directory, task.service.name);
  mkdirSync(home, { recursive: true });
  const output = openServiceOutput(join(directory, 'logs'), task.service.name);
  const child = spawnChild({
    entry: task.image.entry,
    preloads: recordingDirectory === undefined ? [TELL_PORTS] : [TELL_PORTS, NOTE_CALLS],
    environment: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      // As the image of an instance has it.
      MALLOC_ARENA_MAX: '2',
      UV_THREADPOOL_SIZE: '8',
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      ...(recordingDirectory !== undefined && { GRAPHFLEET_RECORD: recordingDirectory }),
      ...environment,
      ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
      ECS_CONTAINER_METADATA_URI_V4: metadataUri(task.id),
      ECS_AGENT_URI: agentUri(task.id),
    },
    directory: home,
    output,
  });
  closeSync(output);
  return child;
};
