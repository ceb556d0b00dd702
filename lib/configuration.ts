import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Configuration } from './configuration-schema.ts';
import { WrongSettings } from './wrong-settings.ts';

const tiers: Configuration['tiers'] = {
  standard: { processorUnits: 1024, memoryMegabytes: 4_096, storageGigabytes: 50 },
  large: { processorUnits: 4096, memoryMegabytes: 16_384, storageGigabytes: 100 },
  xlarge: { processorUnits: 8192, memoryMegabytes: 61_440, storageGigabytes: 200 },
  shared: { processorUnits: 2048, memoryMegabytes: 16_384, storageGigabytes: 100 },
};

/**
 * The stages. The token issuers are examples: put your own here before the first deploy. What each value means, and what it may
 * be, is in `configuration-schema.ts`.
 */
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
    usagePlans: {
      tenants: { requestsPerSecond: 100, burst: 200, requestsPerDay: 1_000_000 },
      operators: { requestsPerSecond: 50, burst: 100, requestsPerDay: null },
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
    usagePlans: {
      tenants: { requestsPerSecond: 1_500, burst: 800, requestsPerDay: null },
      operators: { requestsPerSecond: 200, burst: 200, requestsPerDay: null },
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

/**
 * The configuration of a stage by its name. It is checked, all of it: `cdk` runs these files without their types.
 * @throws {WrongSettings} there is no such stage, or it has values that can not be
 */
export const configurationOf = (
  stage: string,
  configurations: Readonly<Record<string, Configuration>> = CONFIGURATIONS,
): Configuration => {
  const configuration = configurations[stage];
  if (configuration === undefined) {
    throw new WrongSettings(
      `There is no stage "${stage}" in lib/configuration.ts; there are: ${Object.keys(configurations)}.`,
    );
  }
  // Copied from another stage, and left with its name, it would change that one.
  const named = Configuration.shape.stage.refine((name) => name === stage, { error: `Give its own name: "${stage}".` });
  const parsed = Configuration.extend({ stage: named }).safeParse(configuration);
  if (parsed.success) return configuration;
  const complaints = parsed.error.issues.map(({ path, message }) => `\n  ${path.join('.')}: ${message}`);
  throw new WrongSettings(
    `The configuration of "${stage}" in lib/configuration.ts is not valid:${complaints.join('')}`,
  );
};
