import * as z from 'zod';
import {
  ControlTableEnvironment,
  FleetEnvironment,
  ObjectStoreEnvironment,
  TokenEnvironment,
  WorkflowsEnvironment,
} from './environment.ts';

/** A Lambda function: its file is `functions/<folder>/<name>.ts`, its export `handler`. */
export type FunctionDefinition = {
  readonly folder: 'api' | 'steps' | 'reconcile';
  readonly environment: z.ZodObject;
  readonly timeoutSeconds: number;
  /** It speaks to graph instances, so it is placed in their network. */
  readonly reachesInstances?: boolean;
  /** It runs by itself, this often. */
  readonly everyMinutes?: number;
};

const None = z.object({});
const Table = ControlTableEnvironment;
const Commands = Table.extend(WorkflowsEnvironment.shape);

const api = { folder: 'api', timeoutSeconds: 10, environment: Table } as const;
const command = { ...api, environment: Commands } as const;
const step = { folder: 'steps', timeoutSeconds: 10, environment: Table } as const;
const everyMinute = { folder: 'reconcile', timeoutSeconds: 50, everyMinutes: 1 } as const;

/** Every function, by name. */
export const FUNCTIONS = {
  authorize: { ...api, environment: TokenEnvironment },
  'create-graph': command,
  'list-graphs': api,
  'get-graph': api,
  // A query may run for a minute, and the graph's snapshot may have to be fetched before it.
  'query-graph': { ...api, timeoutSeconds: 90, reachesInstances: true },
  'list-operations': api,
  'get-operation': api,
  // A stream ends by itself after 90 s.
  'list-events': { ...api, timeoutSeconds: 100 },
  'get-health': { ...api, environment: None },
  'get-open-api': { ...api, environment: None },

  'take-slot': step,
  'dispatch-job': { ...step, reachesInstances: true },
  'activate-graph': step,
  'begin-undo': step,
  'deactivate-graph': step,
  'withdraw-snapshot': { ...step, environment: Table.extend(ObjectStoreEnvironment.shape) },
  'drop-database': { ...step, reachesInstances: true },
  'free-slot': step,
  'delete-graph': step,
  'record-failure': step,
  'record-undone': step,
  'record-undo-failure': step,

  'reconcile-operations': { ...everyMinute, environment: Commands },
  'keep-tier-minimum': { ...everyMinute, environment: Table.extend(FleetEnvironment.shape) },
} as const satisfies Record<string, FunctionDefinition>;

export type FunctionName = keyof typeof FUNCTIONS;

type EnvironmentOf<Name extends FunctionName> = z.input<(typeof FUNCTIONS)[Name]['environment']>;
type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** Every variable that any function finds in its environment; one that is missing where they are set does not compile. */
export type FunctionVariables = Intersection<
  {
    [Name in FunctionName]: EnvironmentOf<Name> extends Record<string, never> ? never : EnvironmentOf<Name>;
  }[FunctionName]
>;

/** The variables that a function parses, and no others. */
export const environmentOf = (name: FunctionName, variables: FunctionVariables): Record<string, string> => {
  const wanted = Object.keys(FUNCTIONS[name].environment.shape);
  return Object.fromEntries(Object.entries(variables).filter(([variable]) => wanted.includes(variable)));
};

/** The substitution that stands for a function's ARN: `take-slot` is `${TakeSlotFunction}`. */
export const functionReference = (name: FunctionName): string =>
  `${name.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Function`;
