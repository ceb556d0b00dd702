import { resolve } from 'node:path';
import * as z from 'zod';
import { DEFAULT_TIERS, FLEET_TIERS } from '../domain/fleet/tier.ts';

const Tier = z.strictObject({
  tier: z.enum(FLEET_TIERS),
  minInstances: z.int().min(0).max(20),
  maxInstances: z.int().min(0).max(20),
  capacity: z.int().min(1),
  approval: z.boolean().optional(),
});

const Environment = z.object({
  GRAPHFLEET_PORT: z.coerce.number().int().min(0).max(65_535).default(4510),
  GRAPHFLEET_DATA: z.string().min(1).default('.graphfleet'),
  /** What is wanted of tiers, as JSON: `[{"tier":"standard","minInstances":3,"maxInstances":3,"capacity":10}]`. */
  GRAPHFLEET_TIERS: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is not valid JSON');
        return z.NEVER;
      }
    })
    .pipe(z.array(Tier))
    .optional(),
  /** What a tenant may use at once. More than is deployed: one machine has few tenants, and they are all its owner. */
  GRAPHFLEET_STREAMS_PER_TENANT: z.string().default('200'),
  GRAPHFLEET_COMMANDS_PER_SECOND: z.string().default('1000'),
  GRAPHFLEET_QUERIES_PER_SECOND: z.string().default('5000'),
});

/** Here an instance is a process that costs next to nothing, so every tier that a graph can ask for can be tried at once. */
const ONE_OF_EACH = DEFAULT_TIERS.map((tier) => (tier.tier === 'shared' ? tier : { ...tier, minInstances: 1 }));

/** What a tenant may use at once, as functions find it in their environment. */
export type Limits = { STREAMS_PER_TENANT: string; COMMANDS_PER_SECOND: string; QUERIES_PER_SECOND: string };

/** What can be chosen of the runtime on one machine. */
export type Settings = { port: number; dataDirectory: string; tiers: z.infer<typeof Tier>[]; limits: Limits };

/**
 * The settings of an environment.
 * @throws {Error} a variable is not valid; the message names it
 */
export const settingsFrom = (environment: NodeJS.ProcessEnv): Settings => {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const { GRAPHFLEET_PORT, GRAPHFLEET_DATA, GRAPHFLEET_TIERS } = parsed.data;
  return {
    port: GRAPHFLEET_PORT,
    dataDirectory: resolve(GRAPHFLEET_DATA),
    limits: {
      STREAMS_PER_TENANT: parsed.data.GRAPHFLEET_STREAMS_PER_TENANT,
      COMMANDS_PER_SECOND: parsed.data.GRAPHFLEET_COMMANDS_PER_SECOND,
      QUERIES_PER_SECOND: parsed.data.GRAPHFLEET_QUERIES_PER_SECOND,
    },
    tiers: ONE_OF_EACH.map((byDefault) => GRAPHFLEET_TIERS?.find(({ tier }) => tier === byDefault.tier) ?? byDefault),
  };
};

/** What is the same on every machine. */
export const LOCAL = {
  region: 'us-east-1',
  accountId: '000000000000',
  namePrefix: 'graphfleet-local',
  tableName: 'graphfleet-control',
  cluster: 'graphfleet',
  taskDefinitionPrefix: 'graphfleet-instance',
  audience: 'graphfleet',
  imageRepository: 'graphfleet-instance',
  /** Nothing checks them; the SDK wants some. */
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} as const;
