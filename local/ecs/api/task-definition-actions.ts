import * as z from 'zod';
import { inSeconds } from '../../aws-json/in-seconds.ts';
import { EcsError } from '../ecs-error.ts';
import { TaskDefinition } from '../stored-state.ts';
import { type Action, action } from './action.ts';

/** Fields of a container that would change what it does, and do nothing here: refused, not ignored. */
const NOT_MODELLED = ['command', 'entryPoint', 'secrets', 'environmentFiles', 'dependsOn', 'volumesFrom'];

const Container = TaskDefinition.shape.container.superRefine((container, { addIssue }) => {
  for (const field of NOT_MODELLED) {
    const value = container[field];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    addIssue({ code: 'custom', path: [field], message: 'is not modelled by this supervisor' });
  }
});

const RegisterTaskDefinition = z.looseObject({
  family: z.string().regex(/^[A-Za-z0-9_-]{1,255}$/),
  containerDefinitions: z.tuple([Container], { error: 'exactly one container is modelled' }),
});

export const taskDefinitionActions: Record<string, Action> = {
  RegisterTaskDefinition: action(RegisterTaskDefinition, ({ names, state }, request) => {
    const { family, containerDefinitions, ...rest } = request;
    const [container] = containerDefinitions;
    const revision = (state.revisions(family).at(-1)?.revision ?? 0) + 1;
    const arn = names.taskDefinition(family, revision);
    const definition: TaskDefinition = {
      family,
      revision,
      arn,
      status: 'ACTIVE',
      registeredAt: Date.now(),
      container,
      rest,
    };
    state.addTaskDefinition(definition);
    return { taskDefinition: view(definition) };
  }),

  DescribeTaskDefinition: action(
    z.strictObject({ taskDefinition: z.string(), include: z.array(z.string()).optional() }),
    ({ state }, { taskDefinition }) => {
      const found = state.taskDefinition(taskDefinition);
      if (found === undefined) throw new EcsError('ClientException', 'Unable to describe task definition.');
      return { taskDefinition: view(found), tags: found.rest['tags'] ?? [] };
    },
  ),

  DeregisterTaskDefinition: action(
    z.strictObject({ taskDefinition: z.string().regex(/:\d+$/, { error: 'must name a revision' }) }),
    ({ state }, { taskDefinition }) => {
      const found = state.taskDefinition(taskDefinition);
      if (found === undefined) throw new EcsError('ClientException', 'Unable to describe task definition.');
      if (found.status === 'INACTIVE') throw new EcsError('ClientException', 'The task definition is inactive.');
      return { taskDefinition: view(state.deregister(found, Date.now())) };
    },
  ),
};

const view = ({
  family,
  revision,
  arn,
  status,
  registeredAt,
  deregisteredAt,
  container,
  rest: all,
}: TaskDefinition) => {
  const { tags: _tags, ...rest } = all;
  return {
    ...rest,
    family,
    revision,
    taskDefinitionArn: arn,
    status,
    containerDefinitions: [container],
    compatibilities: ['EC2', 'FARGATE'],
    registeredAt: inSeconds(registeredAt),
    ...(deregisteredAt !== undefined && { deregisteredAt: inSeconds(deregisteredAt) }),
  };
};
