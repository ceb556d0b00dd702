import type { Names } from './names.ts';
import type { Task } from './task.ts';

/** What a task learns of itself: the task metadata endpoint, version 4, as Fargate has it. */
export const taskMetadata = (names: Names, task: Task): object => ({
  Cluster: names.cluster(task.service.cluster),
  ServiceName: task.service.name,
  TaskARN: task.arn,
  Family: task.definition.family,
  Revision: String(task.definition.revision),
  DesiredStatus: task.desiredStatus,
  KnownStatus: task.lastStatus,
  LaunchType: 'FARGATE',
  Containers: [containerMetadata(task)],
});

/** The same of its container. */
export const containerMetadata = ({
  arn,
  id,
  definition,
  image,
  desiredStatus,
  createdAt,
  startedAt,
}: Task): object => ({
  DockerId: `${id}-1`,
  Name: definition.container.name,
  DockerName: definition.container.name,
  Image: definition.container.image,
  ImageID: image?.digest,
  DesiredStatus: desiredStatus,
  KnownStatus: 'RUNNING',
  CreatedAt: new Date(createdAt).toISOString(),
  StartedAt: new Date(startedAt ?? createdAt).toISOString(),
  Type: 'NORMAL',
  ContainerARN: `${arn}/${id}`,
  Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: ['127.0.0.1'] }],
});
