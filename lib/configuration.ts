import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type * as z from 'zod';
import type { DagsterConfiguration, InstanceEnvironment, TenantLimits } from '../contract/environment.ts';

/** The sizes of instances. */
export type Tier = InstanceEnvironment['INSTANCE_TIER'];

/** What a task of a tier gets. Fargate takes certain pairs of processor units and memory only. */
export type TaskSize = {
  /** 1024 are one virtual processor. */
  readonly processorUnits: number;
  readonly memoryMegabytes: number;
  /** Room for the image, for what is being built and for the cache of snapshots, 21 to 200. */
  readonly storageGigabytes: number;
  /** Hosts of our own on EC2; left out: Fargate. */
  readonly hosts?: TierHosts;
};

/** The EC2 hosts of a tier: as many as its instances need, none when there are none. */
type TierHosts = {
  /** With arm64 processors, and room for a task of the tier besides the host itself. */
  readonly instanceType: string;
  readonly most: number;
};

/** How many requests API Gateway takes; beyond them it answers 429. */
export type Throttling = { readonly requestsPerSecond: number; readonly burst: number };

/** What differs between stages. Account and region come from the credentials of whoever deploys. */
export type Configuration = {
  /** Part of the name of every stack and function. */
  readonly stage: string;
  /** Who issues the tokens that the API takes, for whom, and where the keys are. */
  readonly tokens: { readonly issuer: string; readonly audience: string; readonly keySetUrl: string };
  /**
   * The SNS topic that alarms tell; null: they are seen in the console only. If it is encrypted, then with a key whose policy
   * admits `cloudwatch.amazonaws.com`: `aws/sns` does not, and an alarm that is not delivered tells nobody so.
   */
  readonly alarmTopicArn: string | null;
  /** Where `docs/runbooks/` is read in a browser: alarms link there; null: they name the file in this repository. */
  readonly runbooks: `https://${string}/` | null;
  /**
   * The jobs of Dagster that operations may run, and the secret with its token; null: none. The secret has the key
   * `aws/secretsmanager`: functions may decrypt with no other.
   */
  readonly dagster: (DagsterConfiguration & { readonly tokenSecretArn: string | null }) | null;
  /** Where OpenLineage events of materializations are posted, and the secret, likewise, with the bearer token; null: nowhere. */
  readonly lineage: { readonly url: string; readonly tokenSecretArn: string | null } | null;
  /** How long logs are kept. */
  readonly logRetention: RetentionDays;
  /** The least that a line must be to be written, by functions and instances. */
  readonly logLevel: 'DEBUG' | 'INFO' | 'WARN';
  /** Of each method of the API, by what it does: a flood of one kind leaves the others their room. */
  readonly throttling: { readonly reads: Throttling; readonly commands: Throttling; readonly queries: Throttling };
  /** What a tenant may do. Functions count it in the control table, exactly; API Gateway knows no tenants. */
  readonly limits: z.input<typeof TenantLimits>;
  /** How many days a graph is kept, suspended, that nobody pays for any more. */
  readonly retentionDays: number;
  /** What the firewall takes in five minutes: from an address, and with a token. */
  readonly firewall: { readonly requestsOfAddress: number; readonly requestsOfToken: number };
  /** The API's own name, with its certificate in the region of the stage; null: the name that AWS gives it. */
  readonly domain: { readonly name: string; readonly certificateArn: string } | null;
  /** A new version of functions and workflows first gets a share of the calls; null: all at once. */
  readonly canary: { readonly percentage: number; readonly minutes: number } | null;
  /**
   * How many, or which by name (`us-east-1b`), where the first of the region will not do. Each has a copy of every network
   * endpoint, which costs by the hour.
   */
  readonly availabilityZones: number | readonly string[];
  readonly tiers: Readonly<Record<Tier, TaskSize>>;
};

const tiers: Configuration['tiers'] = {
  standard: { processorUnits: 1024, memoryMegabytes: 4_096, storageGigabytes: 50 },
  large: { processorUnits: 4096, memoryMegabytes: 16_384, storageGigabytes: 100 },
  xlarge: { processorUnits: 8192, memoryMegabytes: 61_440, storageGigabytes: 200 },
  shared: { processorUnits: 2048, memoryMegabytes: 16_384, storageGigabytes: 100 },
};

/** The stages. The token issuers are examples: put your own here before the first deploy. */
export const CONFIGURATIONS = {
  dev: {
    stage: 'dev',
    tokens: {
      issuer: 'https://identity.dev.example.com/',
      audience: 'graphfleet-dev',
      keySetUrl: 'https://identity.dev.example.com/.well-known/jwks.json',
    },
    alarmTopicArn: null,
    runbooks: null,
    dagster: null,
    lineage: null,
    logRetention: RetentionDays.TWO_WEEKS,
    logLevel: 'INFO',
    throttling: {
      reads: { requestsPerSecond: 50, burst: 100 },
      commands: { requestsPerSecond: 20, burst: 40 },
      queries: { requestsPerSecond: 50, burst: 100 },
    },
    limits: {},
    retentionDays: 30,
    firewall: { requestsOfAddress: 10_000, requestsOfToken: 10_000 },
    domain: null,
    canary: null,
    availabilityZones: 2,
    tiers,
  },
  prod: {
    stage: 'prod',
    tokens: {
      issuer: 'https://identity.example.com/',
      audience: 'graphfleet',
      keySetUrl: 'https://identity.example.com/.well-known/jwks.json',
    },
    alarmTopicArn: null,
    runbooks: null,
    dagster: null,
    lineage: null,
    logRetention: RetentionDays.ONE_YEAR,
    logLevel: 'INFO',
    throttling: {
      reads: { requestsPerSecond: 500, burst: 1_000 },
      commands: { requestsPerSecond: 200, burst: 400 },
      queries: { requestsPerSecond: 1_000, burst: 2_000 },
    },
    limits: {},
    retentionDays: 30,
    firewall: { requestsOfAddress: 100_000, requestsOfToken: 60_000 },
    domain: null,
    canary: { percentage: 10, minutes: 10 },
    // The third is not there in every region, nor for a stack that does not know its region.
    availabilityZones: 2,
    tiers,
  },
} as const satisfies Record<string, Configuration>;

/** The configuration of a stage by its name. */
export const configurationOf = (stage: string): Configuration => {
  const configuration = (CONFIGURATIONS as Record<string, Configuration>)[stage];
  if (configuration !== undefined) return configuration;
  throw new Error(`There is no stage "${stage}" in lib/configuration.ts; there are: ${Object.keys(CONFIGURATIONS)}.`);
};

/** The names of a stage's stacks, functions and machines begin with it. */
export const namePrefixOf = ({ stage }: Pick<Configuration, 'stage'>): string => `graphfleet-${stage}`;
