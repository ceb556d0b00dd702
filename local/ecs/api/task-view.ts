import { inSeconds } from '../../aws-json/in-seconds.ts';
import type { Names } from '../names.ts';
import type { Task } from '../task.ts';

/** A task as DescribeTasks tells of it. */
export const taskView = (names: Names, task: Task): object => ({
  taskArn: task.arn,
  clusterArn: names.cluster(task.service.cluster),
  taskDefinitionArn: task.definition.arn,
  group: `service:${task.service.name}`,
  startedBy: task.service.deployment.id,
  lastStatus: task.lastStatus,
  desiredStatus: task.desiredStatus,
  healthStatus: task.health,
  launchType: 'FARGATE',
  attachments: [],
  tags: [],
  ...when('createdAt', task.createdAt),
  ...when('startedAt', task.startedAt),
  ...when('stoppingAt', task.stoppingAt),
  ...when('stoppedAt', task.stoppedAt),
  ...(task.stopCode !== undefined && { stopCode: task.stopCode, stoppedReason: task.stoppedReason }),
  // What watches a task on Fargate for GuardDuty is told of too.
  containers: [watcherView(task), containerView(task)],
});

const containerView = ({
  arn,
  id,
  definition,
  image,
  health,
  lastStatus,
  exitCode,
  stopCode,
  stoppedReason,
}: Task) => ({
  containerArn: `${arn}/${id}`,
  taskArn: arn,
  name: definition.container.name,
  image: definition.container.image,
  ...(image !== undefined && { imageDigest: image.digest }),
  runtimeId: `${id}-1`,
  lastStatus: lastStatus === 'STOPPING' ? 'RUNNING' : lastStatus,
  ...(exitCode !== undefined && { exitCode }),
  ...(stopCode === 'TaskFailedToStart' && { reason: stoppedReason }),
  healthStatus: health,
  networkInterfaces: [{ privateIpv4Address: '127.0.0.1' }],
});

const watcherView = ({ arn, id, lastStatus }: Task) => ({
  containerArn: `${arn}/${id}-watcher`,
  taskArn: arn,
  name: 'aws-guardduty-agent-0000000',
  lastStatus: lastStatus === 'STOPPING' ? 'RUNNING' : lastStatus,
  ...(lastStatus === 'STOPPED' && { exitCode: 137 }),
  healthStatus: 'UNKNOWN',
});

const when = (name: string, at: number | undefined) => (at === undefined ? {} : { [name]: inSeconds(at) });
