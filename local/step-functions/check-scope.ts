import { innerScopes, type Scope, type State } from './definition.ts';

type Names = ReadonlySet<string>;
/** A variable is a name as JSONata reads it after `$`. */
const VARIABLE_NAME = /^\p{ID_Start}[\p{ID_Continue}]{0,79}$/u;

/** What a machine gets wrong beyond the shape of its fields: where it leads, how it ends, what it names its variables. */
export const problemsOf = (scope: Scope, outerVariables: Names = new Set()): string[] => {
  const variables = variablesOf(scope);
  const inside = new Set([...outerVariables, ...variables]);
  return [
    ...problemsOfTargets(scope),
    ...problemsOfReach(scope),
    ...[...variables].flatMap((name) => problemsOfVariable(name, outerVariables)),
    ...Object.entries(scope.States).flatMap(([name, state]) => [
      ...problemsOfEnding(name, state),
      ...problemsOfWildcards(name, state),
      ...innerScopes(state).flatMap((inner) => problemsOf(inner.scope, inside)),
    ]),
  ];
};

const problemsOfTargets = ({ StartAt, States }: Scope): string[] => [
  ...(StartAt in States ? [] : [`StartAt names '${StartAt}', which is not a state`]),
  ...Object.entries(States).flatMap(([name, state]) =>
    targetsOf(state)
      .filter(({ target }) => !(target in States))
      .map(({ field, target }) => `State '${name}': ${field} names '${target}', which is not a state here`),
  ),
];

const problemsOfReach = ({ StartAt, States }: Scope): string[] => {
  const reached = new Set<string>();
  const ahead = [StartAt];
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    const state = States[name];
    if (reached.has(name) || state === undefined) continue;
    reached.add(name);
    ahead.push(...targetsOf(state).map(({ target }) => target));
  }
  return Object.keys(States)
    .filter((name) => !reached.has(name))
    .map((name) => `State '${name}': no state leads to it`);
};

const targetsOf = (state: State): { field: string; target: string }[] => [
  ...('Next' in state && state.Next !== undefined ? [{ field: 'Next', target: state.Next }] : []),
  ...('Default' in state && state.Default !== undefined ? [{ field: 'Default', target: state.Default }] : []),
  ...('Choices' in state ? state.Choices.map(({ Next }, n) => ({ field: `Choices[${n}].Next`, target: Next })) : []),
  ...catchersOf(state).map(({ Next }, n) => ({ field: `Catch[${n}].Next`, target: Next })),
];

const problemsOfEnding = (name: string, state: State): string[] => {
  if (state.Type === 'Choice' || state.Type === 'Succeed' || state.Type === 'Fail') return [];
  const problems = (state.Next === undefined) === (state.End === undefined) ? ['needs either Next or End'] : [];
  if (state.Type === 'Wait' && (state.Seconds === undefined) === (state.Timestamp === undefined)) {
    problems.push('needs either Seconds or Timestamp');
  }
  if (state.Type === 'Task' && Number(state.HeartbeatSeconds) >= Number(state.TimeoutSeconds)) {
    problems.push('HeartbeatSeconds must be less than TimeoutSeconds');
  }
  return problems.map((problem) => `State '${name}': ${problem}`);
};

const problemsOfWildcards = (name: string, state: State): string[] => {
  const rules = { Retry: 'Retry' in state ? (state.Retry ?? []) : [], Catch: catchersOf(state) };
  return Object.entries(rules).flatMap(([field, list]) =>
    list.flatMap(({ ErrorEquals }, n) => {
      if (!ErrorEquals.includes('States.ALL')) return [];
      if (ErrorEquals.length === 1 && n === list.length - 1) return [];
      return [`State '${name}': States.ALL must stand alone, in the last rule of ${field}`];
    }),
  );
};

const problemsOfVariable = (name: string, outerVariables: Names): string[] => {
  if (name === 'states') return ["Assign: 'states' is reserved"];
  if (!VARIABLE_NAME.test(name)) return [`Assign: '${name}' is not a variable name`];
  if (outerVariables.has(name)) return [`Assign: '${name}' is a variable of an outer scope, and can only be read here`];
  return [];
};

const variablesOf = ({ States }: Scope): Names =>
  new Set(
    Object.values(States).flatMap((state) =>
      [state, ...catchersOf(state), ...('Choices' in state ? state.Choices : [])].flatMap((place) =>
        'Assign' in place ? Object.keys(place.Assign ?? {}) : [],
      ),
    ),
  );

const catchersOf = (state: State) => ('Catch' in state ? (state.Catch ?? []) : []);
