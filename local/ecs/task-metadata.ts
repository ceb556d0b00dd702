import type { Names } from './names.ts';
import type { Task } from './task.ts';

/**
 * What a task learns of itself: the task metadata endpoint, version 4, as Fargate has it, with the container that ECS on EC2
 * hosts puts before its own.
 */
export const taskMetadata = (names: Names, task: Task): object => ({
  Cluster: names.cluster(task.service.cluster),
  ServiceName: task.service.name,
  TaskARN: task.arn,
  Family: task.definition.family,
  Revision: String(task.definition.revision),
  DesiredStatus: task.desiredStatus,
  KnownStatus: task.lastStatus,
  LaunchType: 'FARGATE',
  Containers: [pauseMetadata(task), containerMetadata(task)],
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
  Networks: NETWORKS,
});

/** It holds the task's network; its image is in no registry. */
const pauseMetadata = ({ id }: Task): object => ({
  DockerId: `${id}-0`,
  Name: '~internal~ecs~pause',
  Image: 'amazon/amazon-ecs-pause:0.1.0',
  ImageID: '',
  DesiredStatus: 'RESOURCES_PROVISIONED',
  KnownStatus: 'RESOURCES_PROVISIONED',
  Type: 'CNI_PAUSE',
  Networks: NETWORKS,
});

const NETWORKS = [{ NetworkMode: 'awsvpc', IPv4Addresses: ['127.0.0.1'] }];
