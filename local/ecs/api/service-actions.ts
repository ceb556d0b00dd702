import { randomInt } from 'node:crypto';
import * as z from 'zod';
import { EcsError } from '../ecs-error.ts';
import { nameIn } from '../names.ts';
import type { Deployment, Service, TaskDefinition } from '../stored-state.ts';
import { type Action, action, type Backend, Cluster } from './action.ts';
import { page, pageFields } from './page.ts';
import { serviceView } from './service-view.ts';

const DesiredCount = z.int().min(0).max(1, { error: 'a service of more than one task is not modelled' });

/** At most one task at a time is all that is modelled; ECS takes other values when none are given, so these must be. */
const AtMostOneTask = z.looseObject({
  minimumHealthyPercent: z.literal(0),
  maximumPercent: z.literal(100),
  deploymentCircuitBreaker: z
    .strictObject({ enable: z.boolean(), rollback: z.literal(false, { error: 'is not modelled by this supervisor' }) })
    .optional(),
});
type AtMostOneTask = z.output<typeof AtMostOneTask>;

/** Told again by DescribeServices, without effect here. */
const withoutEffect = {
  launchType: z.unknown().optional(),
  capacityProviderStrategy: z.unknown().optional(),
  platformVersion: z.unknown().optional(),
  networkConfiguration: z.unknown().optional(),
  propagateTags: z.unknown().optional(),
  enableECSManagedTags: z.unknown().optional(),
  enableExecuteCommand: z.unknown().optional(),
  availabilityZoneRebalancing: z.unknown().optional(),
  tags: z.unknown().optional(),
};

const CreateService = z.strictObject({
  cluster: Cluster,
  serviceName: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  taskDefinition: z.string(),
  desiredCount: DesiredCount.default(0),
  deploymentConfiguration: AtMostOneTask,
  schedulingStrategy: z.literal('REPLICA').optional(),
  clientToken: z.string().optional(),
  ...withoutEffect,
});
const UpdateService = z.strictObject({
  cluster: Cluster,
  service: z.string().transform(nameIn),
  taskDefinition: z.string().optional(),
  desiredCount: DesiredCount.optional(),
  forceNewDeployment: z.boolean().default(false),
  deploymentConfiguration: AtMostOneTask.optional(),
  ...withoutEffect,
});
const DeleteService = z.strictObject({
  cluster: Cluster,
  service: z.string().transform(nameIn),
  force: z.boolean().optional(),
});
const DescribeServices = z.strictObject({
  cluster: Cluster,
  services: z.array(z.string()).min(1).max(10, { error: 'no more than 10 services at once' }),
  include: z.array(z.string()).optional(),
});
const ListServices = z.strictObject({
  cluster: Cluster,
  launchType: z.unknown().optional(),
  schedulingStrategy: z.unknown().optional(),
  ...pageFields,
});

export const serviceActions: Record<string, Action> = {
  CreateService: action(CreateService, (backend, request) => {
    const { cluster, serviceName: name, taskDefinition, desiredCount, clientToken, ...rest } = request;
    const found = backend.state.service(cluster, name);
    if (found?.status === 'ACTIVE') {
      if (clientToken !== undefined && found.clientToken === clientToken)
        return { service: serviceView(backend, found) };
      throw new EcsError('InvalidParameterException', 'Creation of service was not idempotent.');
    }
    if (found?.status === 'DRAINING') {
      throw new EcsError('InvalidParameterException', 'Unable to Start a service that is still Draining.');
    }
    const service: Service = {
      cluster,
      name,
      arn: backend.names.service(cluster, name),
      status: 'ACTIVE',
      desiredCount,
      taskDefinition: definitionOf(backend, taskDefinition).arn,
      createdAt: Date.now(),
      ...(clientToken !== undefined && { clientToken }),
      deployment: newDeployment(),
      circuitBreaker: hasCircuitBreaker(rest.deploymentConfiguration),
      rest,
    };
    backend.supervisor.put(service);
    return { service: serviceView(backend, service) };
  }),

  UpdateService: action(UpdateService, (backend, request) => {
    const { cluster, service: name, taskDefinition, forceNewDeployment, ...more } = request;
    const found = serviceOf(backend, cluster, name);
    if (found.status !== 'ACTIVE') throw new EcsError('ServiceNotActiveException', 'Service was not ACTIVE.');
    const { desiredCount = found.desiredCount, ...rest } = more;
    const wanted = taskDefinition === undefined ? found.taskDefinition : definitionOf(backend, taskDefinition).arn;
    const service: Service = {
      ...found,
      desiredCount,
      taskDefinition: wanted,
      deployment:
        forceNewDeployment || wanted !== found.taskDefinition
          ? newDeployment()
          : { ...found.deployment, updatedAt: Date.now() },
      circuitBreaker:
        rest.deploymentConfiguration === undefined
          ? found.circuitBreaker
          : hasCircuitBreaker(rest.deploymentConfiguration),
      rest: { ...found.rest, ...rest },
    };
    backend.supervisor.put(service);
    return { service: serviceView(backend, service) };
  }),

  DeleteService: action(DeleteService, (backend, { cluster, service: name, force = false }) => {
    const found = serviceOf(backend, cluster, name);
    if (found.status === 'INACTIVE') throw new EcsError('ServiceNotActiveException', 'Service was not ACTIVE.');
    if (found.desiredCount > 0 && !force) {
      throw new EcsError('InvalidParameterException', 'The service cannot be stopped while it is scaled above 0.');
    }
    const service: Service = { ...found, status: 'DRAINING', desiredCount: 0 };
    backend.supervisor.put(service);
    return { service: serviceView(backend, service) };
  }),

  DescribeServices: action(DescribeServices, (backend, { cluster, services }) => {
    const found = services.map((reference) => ({
      reference,
      service: backend.state.service(cluster, nameIn(reference)),
    }));
    return {
      services: found.flatMap(({ service }) => (service === undefined ? [] : [serviceView(backend, service)])),
      failures: found
        .filter(({ service }) => service === undefined)
        .map(({ reference }) => ({ arn: backend.names.service(cluster, nameIn(reference)), reason: 'MISSING' })),
    };
  }),

  ListServices: action(ListServices, ({ state }, { cluster, ...request }) => {
    const live = state.services.filter((service) => service.cluster === cluster && service.status !== 'INACTIVE');
    const { arns, ...more } = page(live.map(({ arn }) => arn).sort(), 10, request);
    return { serviceArns: arns, ...more };
  }),
};

const newDeployment = (): Deployment => {
  const now = Date.now();
  const digits = Array.from({ length: 19 }, () => randomInt(10)).join('');
  return { id: `ecs-svc/${digits}`, createdAt: now, updatedAt: now, rollout: 'IN_PROGRESS' };
};

const hasCircuitBreaker = ({ deploymentCircuitBreaker }: AtMostOneTask): boolean =>
  deploymentCircuitBreaker?.enable ?? false;

const serviceOf = ({ state }: Backend, cluster: string, name: string): Service => {
  const found = state.service(cluster, name);
  if (found === undefined) throw new EcsError('ServiceNotFoundException', 'Service not found.');
  return found;
};

const definitionOf = ({ state }: Backend, reference: string): TaskDefinition => {
  const found = state.taskDefinition(reference);
  if (found === undefined) throw new EcsError('ClientException', 'TaskDefinition not found.');
  if (found.status === 'INACTIVE') throw new EcsError('ClientException', 'TaskDefinition is inactive');
  return found;
};
