import * as z from 'zod';
import {
  ControlTableEnvironment,
  CreateGraphEnvironment,
  FleetEnvironment,
  TokenEnvironment,
  WithdrawSnapshotEnvironment,
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
const api = { folder: 'api', timeoutSeconds: 10 } as const;
const step = { folder: 'steps', timeoutSeconds: 10, environment: ControlTableEnvironment } as const;

/** Every function, by name. */
export const FUNCTIONS = {
  authorize: { ...api, environment: TokenEnvironment },
  'create-graph': { ...api, environment: CreateGraphEnvironment },
  'list-graphs': { ...api, environment: ControlTableEnvironment },
  'get-graph': { ...api, environment: ControlTableEnvironment },
  // A query may run for a minute, and the graph's snapshot may have to be fetched before it.
  'query-graph': { ...api, environment: ControlTableEnvironment, timeoutSeconds: 90, reachesInstances: true },
  'list-operations': { ...api, environment: ControlTableEnvironment },
  'get-operation': { ...api, environment: ControlTableEnvironment },
  // A stream ends by itself after 90 s.
  'list-events': { ...api, environment: ControlTableEnvironment, timeoutSeconds: 100 },
  'get-health': { ...api, environment: None },
  'get-open-api': { ...api, environment: None },

  'take-slot': step,
  'dispatch-job': { ...step, reachesInstances: true },
  'activate-graph': step,
  'begin-undo': step,
  'deactivate-graph': step,
  'withdraw-snapshot': { ...step, environment: WithdrawSnapshotEnvironment },
  'drop-database': { ...step, reachesInstances: true },
  'free-slot': step,
  'delete-graph': step,
  'record-failure': step,
  'record-undo-failure': step,

  'start-accepted-operations': {
    folder: 'reconcile',
    environment: CreateGraphEnvironment,
    timeoutSeconds: 50,
    everyMinutes: 1,
  },
  'keep-tier-minimum': { folder: 'reconcile', environment: FleetEnvironment, timeoutSeconds: 50, everyMinutes: 1 },
} as const satisfies Record<string, FunctionDefinition>;

export type FunctionName = keyof typeof FUNCTIONS;

/** The variables that a function's construct must set. */
export type EnvironmentOf<Name extends FunctionName> = z.input<(typeof FUNCTIONS)[Name]['environment']>;

/** The substitution that stands for a function's ARN: `take-slot` is `${TakeSlotFunction}`. */
export const functionReference = (name: FunctionName): string =>
  `${name.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())}Function`;
