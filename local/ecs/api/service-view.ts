import { inSeconds } from '../../aws-json/in-seconds.ts';
import type { Service } from '../stored-state.ts';
import type { Task } from '../task.ts';
import type { Backend } from './action.ts';

/** A service as DescribeServices tells of it. */
export const serviceView = ({ names, supervisor }: Backend, service: Service): object => {
  const scheduler = supervisor.scheduler(service);
  const task = scheduler?.task;
  const runs = task?.lastStatus === 'RUNNING';
  const isPresent = task?.service.deployment.id === service.deployment.id;
  return {
    ...service.rest,
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: names.cluster(service.cluster),
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: runs ? 1 : 0,
    pendingCount: service.desiredCount === 1 && !runs ? 1 : 0,
    taskDefinition: service.taskDefinition,
    createdAt: inSeconds(service.createdAt),
    deployments: [
      primaryDeployment(service, isPresent && runs, scheduler?.failedTasks ?? 0),
      ...(task !== undefined && !isPresent ? [outgoingDeployment(task)] : []),
    ],
    events: [],
    loadBalancers: [],
    placementConstraints: [],
    placementStrategy: [],
    schedulingStrategy: 'REPLICA',
  };
};

const primaryDeployment = (
  { deployment, taskDefinition, desiredCount }: Service,
  runs: boolean,
  failedTasks: number,
) => ({
  id: deployment.id,
  status: 'PRIMARY',
  taskDefinition,
  desiredCount,
  runningCount: runs ? 1 : 0,
  pendingCount: desiredCount === 1 && !runs ? 1 : 0,
  failedTasks,
  createdAt: inSeconds(deployment.createdAt),
  updatedAt: inSeconds(deployment.updatedAt),
  rolloutState: desiredCount === 0 ? 'COMPLETED' : deployment.rollout,
  ...(deployment.rollout === 'FAILED' && {
    rolloutStateReason: `ECS deployment circuit breaker: tasks failed to start.`,
  }),
});

/** A deployment whose task has not ended yet. */
const outgoingDeployment = ({ service: { deployment }, definition, lastStatus }: Task) => ({
  id: deployment.id,
  status: 'ACTIVE',
  taskDefinition: definition.arn,
  desiredCount: 0,
  runningCount: lastStatus === 'RUNNING' ? 1 : 0,
  pendingCount: 0,
  failedTasks: 0,
  createdAt: inSeconds(deployment.createdAt),
  updatedAt: inSeconds(deployment.updatedAt),
  rolloutState: 'COMPLETED',
});
