import type { z } from 'zod';
import { problemsOf } from './check-scope.ts';
import { Definition, innerScopes, type Scope, type State } from './definition.ts';
import { Expressions } from './expressions.ts';
import type { World } from './jsonata-functions.ts';
import type { Resource } from './resources/resource.ts';
import { StepFunctionsError } from './step-functions-error.ts';

/** A machine that is ready to run. */
export interface Machine {
  readonly definition: Definition;
  readonly expressions: Expressions;
  readonly resources: ReadonlyMap<string, Resource>;
}

/** Finds what an ARN in a `Resource` field stands for, if the runner knows it. */
export type FindResource = (arn: string) => Resource | undefined;

/** `${Name}`, which CDK should have replaced. */
const PLACEHOLDER = /\$\{[A-Za-z][\w.]*\}/;

/**
 * Reads a machine, and refuses what the runner can not run as AWS would: by state and by field.
 * @throws {StepFunctionsError} InvalidDefinition
 */
export const loadMachine = (text: string, findResource: FindResource, world: World): Machine => {
  const definition = parseDefinition(text);
  const expressions = new Expressions(world);
  const resources = new Map<string, Resource>();
  refuseIfAny([
    ...problemsOf(definition),
    ...statesOf(definition).flatMap(({ name, state }) => [
      ...problemsOfStrings(withoutInnerStates(state), expressions).map((problem) => `State '${name}': ${problem}`),
      ...problemsOfResource(state, findResource, resources).map((problem) => `State '${name}': ${problem}`),
    ]),
  ]);
  return { definition, expressions, resources };
};

const parseDefinition = (text: string): Definition => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new StepFunctionsError('InvalidDefinition', 'The definition is not JSON');
  }
  const parsed = Definition.safeParse(json);
  if (!parsed.success) refuseIfAny(parsed.error.issues.map(describeIssue));
  return parsed.data as Definition;
};

const refuseIfAny = (problems: string[]): void => {
  if (problems.length > 0)
    throw new StepFunctionsError('InvalidDefinition', `Invalid State Machine Definition: ${problems.join('; ')}`);
};

/** `['States', 'Take', 'Retry', 0, 'Foo']` → "State 'Take': field 'Retry.0.Foo' …" */
const describeIssue = (issue: z.core.$ZodIssue): string => {
  const inStates = issue.path.lastIndexOf('States');
  const where = inStates < 0 ? 'State machine' : `State '${String(issue.path[inStates + 1])}'`;
  const field = issue.path.slice(inStates < 0 ? 0 : inStates + 2);
  if (issue.code === 'unrecognized_keys') {
    const fields = issue.keys.map((key) => `'${[...field, key].join('.')}'`);
    return `${where}: field ${fields.join(', ')} is not supported`;
  }
  if (field.join('.') === 'Type') return `${where}: this Type is not supported (${issue.message})`;
  return `${where}: field '${field.join('.')}' ${issue.message}`;
};

const statesOf = (scope: Scope): { name: string; state: State }[] =>
  Object.entries(scope.States).flatMap(([name, state]) => [
    { name, state },
    ...innerScopes(state).flatMap((inner) => statesOf(inner.scope)),
  ]);

/** Inner states are looked at by themselves, so that a problem in one is told by its own name. */
const withoutInnerStates = (state: State): object => {
  if (state.Type === 'Map') return { ...state, ItemProcessor: null };
  if (state.Type === 'Parallel') return { ...state, Branches: null };
  return state;
};

const problemsOfStrings = (value: unknown, expressions: Expressions, field = ''): string[] => {
  if (typeof value === 'string')
    return problemsOfString(value, expressions).map((problem) => `field '${field}' ${problem}`);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    problemsOfStrings(inner, expressions, field === '' ? key : `${field}.${key}`),
  );
};

const problemsOfString = (text: string, expressions: Expressions): string[] => {
  const placeholder = PLACEHOLDER.exec(text)?.[0];
  if (placeholder !== undefined) return [`has an unsubstituted ${placeholder}`];
  if (text.startsWith('{%') !== text.endsWith('%}')) return ['has only one half of {% %}'];
  try {
    expressions.compile(text);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
};

const problemsOfResource = (state: State, findResource: FindResource, resources: Map<string, Resource>): string[] => {
  if (state.Type !== 'Task') return [];
  const resource = findResource(state.Resource);
  if (resource === undefined) return [`Resource '${state.Resource}' is not supported`];
  resources.set(state.Resource, resource);
  const { Arguments } = state;
  if (resource.fields === undefined || typeof Arguments !== 'object' || Arguments === null) return [];
  const unknown = Object.keys(Arguments).filter((field) => !resource.fields?.includes(field));
  return unknown.map((field) => `field 'Arguments.${field}' is not supported by ${state.Resource}`);
};
