import { InstanceArchitecture, InstanceType } from 'aws-cdk-lib/aws-ec2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import * as z from 'zod';
import { DagsterConfiguration, LineageEnvironment, TenantLimits, TokenEnvironment } from '../contract/environment.ts';
import type { CallerKind } from '../contract/usage-plans.ts';
import { FLEET_TIERS } from '../domain/fleet/tier.ts';
import { wrongForFargate } from './fleet/fargate-sizes.ts';

/** @param most null: AWS knows none, or it is far off */
const wholeNumber = (least: number, most: number | null = null) => {
  const error = `Give a whole number ${most === null ? `of ${least} or more` : `from ${least} to ${most}`}.`;
  return z
    .int({ error })
    .min(least, error)
    .max(most ?? Number.MAX_SAFE_INTEGER, error);
};

const arn = (service: string, resource: string) =>
  z.string().regex(new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:${resource}.+$`), {
    error: `Give an ARN: arn:aws:${service}:<region>:<account>:${resource}…`,
  });

const secretArn = arn('secretsmanager', 'secret:');

const isArm64 = (instanceType: string): boolean => {
  try {
    return new InstanceType(instanceType).architecture === InstanceArchitecture.ARM_64;
  } catch {
    return false; // it is no name of an instance type
  }
};

/** The EC2 hosts of a tier: as many as its instances need, none when there are none. */
const TierHosts = z.strictObject({
  /** With arm64 processors, and room for a task of the tier besides the host itself. */
  instanceType: z.string().refine(isArm64, { error: 'Give an instance type with arm64 processors, like r8g.4xlarge.' }),
  most: wholeNumber(1),
});

/** The disk of a task, in gigabytes. */
const FARGATE_STORAGE = { least: 21, most: 200 };

/** What a task of a tier gets. Fargate takes certain pairs of processor units and memory only, hosts of our own any. */
const TaskSize = z
  .strictObject({
    /** 1024 are one virtual processor. */
    processorUnits: wholeNumber(1),
    memoryMegabytes: wholeNumber(1),
    /** Room for the image, for what is being built and for the cache of snapshots; on Fargate 21 to 200. */
    storageGigabytes: wholeNumber(FARGATE_STORAGE.least),
    /** Hosts of our own on EC2; left out: Fargate. */
    hosts: TierHosts.optional(),
  })
  .refine(({ hosts, storageGigabytes }) => hosts !== undefined || storageGigabytes <= FARGATE_STORAGE.most, {
    path: ['storageGigabytes'],
    error: `Give a whole number from ${FARGATE_STORAGE.least} to ${FARGATE_STORAGE.most}, or hosts: Fargate has no larger disk.`,
  })
  .superRefine(({ hosts, processorUnits, memoryMegabytes }, context) => {
    const message = hosts === undefined ? wrongForFargate(processorUnits, memoryMegabytes) : null;
    if (message !== null) context.addIssue({ code: 'custom', message });
  });
export type TaskSize = z.input<typeof TaskSize>;

/** How many requests API Gateway takes; beyond them it answers 429. */
const Throttling = z.strictObject({ requestsPerSecond: wholeNumber(1), burst: wholeNumber(1) });
export type Throttling = z.input<typeof Throttling>;

/** What callers of one kind may ask of the API, all together. API Gateway counts it roughly: more than this can get through. */
const UsagePlan = Throttling.extend({
  /** Null: as many as come. */
  requestsPerDay: wholeNumber(1).nullable(),
});

/** What differs between stages. Account and region come from the credentials of whoever deploys. */
export const Configuration = z.strictObject({
  /** Part of the name of every stack and function. */
  stage: z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, {
    error: 'Give up to 20 lower-case letters, digits and dashes, a letter first.',
  }),
  /** Who issues the tokens that the API takes, for whom, and where the keys are. */
  tokens: z.strictObject({
    issuer: TokenEnvironment.shape.TOKEN_ISSUER,
    audience: TokenEnvironment.shape.TOKEN_AUDIENCE,
    keySetUrl: TokenEnvironment.shape.TOKEN_JWKS_URL,
  }),
  /**
   * The SNS topic that alarms tell; null: they are seen in the console only. If it is encrypted, then with a key whose policy
   * admits `cloudwatch.amazonaws.com`: `aws/sns` does not, and an alarm that is not delivered tells nobody so.
   */
  alarmTopicArn: arn('sns', '').nullable(),
  /** Where `docs/runbooks/` is read in a browser: alarms link there; null: they name the file in this repository. */
  runbooks: z
    .templateLiteral(['https://', z.string().min(1), '/'], {
      error: 'Give an address: https://…/, with its last slash.',
    })
    .nullable(),
  /**
   * The jobs of Dagster that operations may run, and the secret with its token; null: none. The secret has the key
   * `aws/secretsmanager`: functions may decrypt with no other.
   */
  dagster: DagsterConfiguration.extend({ tokenSecretArn: secretArn.nullable() }).nullable(),
  /** Where OpenLineage events of materializations are posted, and the secret, likewise, with the bearer token; null: nowhere. */
  lineage: z
    .strictObject({ url: LineageEnvironment.shape.LINEAGE_URL.unwrap(), tokenSecretArn: secretArn.nullable() })
    .nullable(),
  /** How long logs are kept. */
  logRetention: z.enum(RetentionDays),
  /** The least that a line must be to be written, by functions and instances. */
  logLevel: z.enum(['DEBUG', 'INFO', 'WARN']),
  /** Of each method of the API, by what it does: a flood of one kind leaves the others their room. */
  throttling: z.strictObject({ reads: Throttling, commands: Throttling, queries: Throttling }),
  /**
   * Of each kind of caller, over all methods: tenants together leave operators room of what the account has. Keep the sums well
   * below that, for all its APIs of the region: 10,000 a second with a burst of 5,000 by default, in some 2,500 and 1,250. What is
   * open to everyone is in none.
   */
  usagePlans: z.strictObject({ tenants: UsagePlan, operators: UsagePlan } satisfies Record<CallerKind, z.ZodType>),
  /** What a tenant may do. Functions count it in the control table, exactly; API Gateway knows no tenants. */
  limits: TenantLimits.strict(),
  /** How many days a graph is kept, suspended, that nobody pays for any more. */
  retentionDays: wholeNumber(1),
  /** What the firewall takes in five minutes: from an address, and with a token. */
  firewall: z.strictObject({
    requestsOfAddress: wholeNumber(10, 2_000_000_000),
    requestsOfToken: wholeNumber(10, 2_000_000_000),
  }),
  /** The API's own name, with its certificate in the region of the stage; null: the name that AWS gives it. */
  domain: z
    .strictObject({
      name: z.hostname({ error: 'Give a name of DNS, like graphs.example.com.' }),
      certificateArn: arn('acm', 'certificate/'),
    })
    .nullable(),
  /** A new version of functions and workflows first gets a share of the calls; null: all at once. */
  canary: z.strictObject({ percentage: wholeNumber(1, 99), minutes: wholeNumber(1, 2_100) }).nullable(),
  /**
   * How many, or which by name (`us-east-1b`), where the first of the region will not do. Each has a copy of every network
   * endpoint, which costs by the hour.
   */
  availabilityZones: z.union([wholeNumber(1), z.array(z.string().min(1)).min(1).readonly()], {
    error: 'Give how many, or the names of some: ["us-east-1b"].',
  }),
  tiers: z.record(z.enum(FLEET_TIERS), TaskSize),
});
export type Configuration = z.input<typeof Configuration>;

/** The sizes of instances. */
export type Tier = keyof Configuration['tiers'];

/** The names of a stage's stacks, functions and machines begin with it. */
export const namePrefixOf = ({ stage }: Pick<Configuration, 'stage'>): string => `graphfleet-${stage}`;
