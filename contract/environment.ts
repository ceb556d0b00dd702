import * as z from 'zod';
import { DagsterSettings } from '../domain/external-job/dagster-settings.ts';
import { FLEET_TIERS } from '../domain/fleet/tier.ts';

/**
 * What each function finds in its environment. The CDK constructs are typed by these schemas, so a variable that is
 * missing does not compile; the function parses them when it starts.
 */
export const ControlTableEnvironment = z.object({ CONTROL_TABLE_NAME: z.string().min(1) });

export const ObjectStoreEnvironment = z.object({
  /** `s3://<bucket>`, or `file:///<directory>` on one machine. */
  OBJECT_STORE_URL: z.url({ protocol: /^(s3|file)$/ }),
});

export const WorkflowsEnvironment = z.object({
  /** What the ARN of every state machine begins with, up to the machine's own name. */
  STATE_MACHINE_ARN_PREFIX: z.string().startsWith('arn:'),
});

const count = (byDefault: number) => z.coerce.number<string>().int().min(1).default(byDefault);

/** How many commands a second a tenant may give. */
export const CommandLimitEnvironment = z.object({ COMMANDS_PER_SECOND: count(100) });

/** How many queries a second a tenant may ask. */
export const QueryLimitEnvironment = z.object({ QUERIES_PER_SECOND: count(200) });

/** How many event streams a tenant may have open at once. */
export const StreamLimitEnvironment = z.object({ STREAMS_PER_TENANT: count(20) });

/** All that a stage may set otherwise for its tenants. */
export const TenantLimits = CommandLimitEnvironment.extend(QueryLimitEnvironment.shape).extend(
  StreamLimitEnvironment.shape,
);

export const WebhookEnvironment = z.object({
  /**
   * ARN of the secret that holds them, or the secrets themselves: `whsec_…`, comma-separated. A webhook may be signed by
   * any of them, so that one can be changed while events come in.
   */
  BILLING_WEBHOOK_SECRETS: z.string().min(1),
});

/** A secret of somebody else's service: the ARN of the secret that holds it, or itself. Without: none is needed. */
const SecretReference = z.string().min(1).optional();

/** At this address there is nothing: no job is configured. */
const NO_JOBS = JSON.stringify({ url: 'http://dagster.invalid/', jobs: {} } satisfies z.input<typeof DagsterSettings>);

export const ExternalJobNamesEnvironment = z.object({
  /** The jobs that operations may run elsewhere, as JSON of `DagsterSettings`. */
  DAGSTER: z
    .string()
    .default(NO_JOBS)
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is not valid JSON');
        return z.NEVER;
      }
    })
    .pipe(DagsterSettings),
});

/** What `DAGSTER` is the JSON of. */
export const DagsterConfiguration = DagsterSettings;

export const ExternalJobEnvironment = ExternalJobNamesEnvironment.extend({ DAGSTER_TOKEN: SecretReference });

/** Where OpenLineage events are posted. Without: they are neither kept nor posted. */
export const LineageEnvironment = z.object({ LINEAGE_URL: z.url({ protocol: /^https?$/ }).optional() });

export const LineageDeliveryEnvironment = LineageEnvironment.extend({ LINEAGE_TOKEN: SecretReference });

export const LifecycleEnvironment = z.object({
  /** How long the graph of an ended subscription is kept. */
  RETENTION_DAYS: count(30),
});

export const TokenEnvironment = z.object({
  /** `iss` of the tokens that are taken, exactly. */
  TOKEN_ISSUER: z.url(),
  TOKEN_AUDIENCE: z.string().min(1),
  /** The issuer's public keys, a JSON Web Key Set. */
  TOKEN_JWKS_URL: z.url(),
});
export type TokenEnvironment = z.infer<typeof TokenEnvironment>;

export const UsagePlanEnvironment = z.object({
  /** What the stage's names begin with; the keys of its usage plans are made of it. */
  NAME_PREFIX: z.string().min(1),
});
export type UsagePlanEnvironment = z.infer<typeof UsagePlanEnvironment>;

export const FleetEnvironment = z.object({
  ECS_CLUSTER: z.string().min(1),
  /** Task definition family of a tier's instances: `<prefix>-<tier>`. */
  TASK_DEFINITION_PREFIX: z.string().min(1),
  /** Comma-separated; where the instances' network interfaces are placed. */
  SUBNET_IDS: z.string(),
  SECURITY_GROUP_IDS: z.string(),
});

const bytes = z.coerce.number<string>().int().min(1);

/** What a graph instance finds in its environment. */
export const InstanceEnvironment = ControlTableEnvironment.extend(ObjectStoreEnvironment.shape).extend({
  INSTANCE_TIER: z.enum(FLEET_TIERS),
  /** The generation of the instance that the task was started for. */
  INSTANCE_GENERATION: count(1),
  /** Address to listen on; what is registered is the task's own address. */
  LISTEN_HOST: z.string().default('0.0.0.0'),
  /** 0 takes a free one. */
  LISTEN_PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  /** Scratch and cache; nothing in it is needed after a loss. */
  WORK_DIRECTORY: z.string().min(1),
  /** What the cache of snapshots may have of the disk; the rest is for what is being built. */
  CACHE_BYTES: bytes,
  /** What the task has of memory, all in all. */
  MEMORY_BYTES: bytes,
  /** Set by ECS: where a task learns its own name, address and image. */
  ECS_CONTAINER_METADATA_URI_V4: z.url(),
  /** Set by ECS: where a task asks not to be stopped. */
  ECS_AGENT_URI: z.url().optional(),
});
export type InstanceEnvironment = z.infer<typeof InstanceEnvironment>;
