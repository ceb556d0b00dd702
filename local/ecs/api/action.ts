import * as z from 'zod';
import { type Action as AwsAction, actionOf } from '../../aws-json/action.ts';
import type { EcsErrorType } from '../ecs-error.ts';
import { DEFAULT_CLUSTER, type Names, nameIn } from '../names.ts';
import type { StoredState } from '../stored-state.ts';
import type { Supervisor } from '../supervisor.ts';
import type { TaskList } from '../task-list.ts';

/** What the actions work on. */
export type Backend = {
  readonly names: Names;
  readonly state: StoredState;
  readonly tasks: TaskList;
  readonly supervisor: Supervisor;
};

export type Action = AwsAction<Backend>;

/** An action with the schema of its request. */
export const action = actionOf<Backend, EcsErrorType>('InvalidParameterException');

/** The cluster of a request, by name. Any name will do: clusters are not made here. */
export const Cluster = z.string().default(DEFAULT_CLUSTER).transform(nameIn);
