import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { CONFIGURATIONS, configurationOf } from '../../lib/configuration.ts';
import { contextOf } from './cdk-context.ts';
import { EVERYTHING } from './everything.ts';

const { dev, prod } = CONFIGURATIONS;
const { standard } = dev.tiers;

/** What is said of a configuration: a line for each wrong field. `cdk` runs the files without their types, so any value may be there. */
const complaintsAbout = (changes: Readonly<Record<string, unknown>>, stage = 'dev'): string[] => {
  try {
    configurationOf(stage, { [stage]: { ...dev, ...changes } });
  } catch (error) {
    const [heading, ...complaints] = (error as Error).message.split('\n  ');
    expect(heading).toBe(`The configuration of "${stage}" in lib/configuration.ts is not valid:`);
    return complaints;
  }
  return [];
};

describe('the configuration of a stage', () => {
  test.each([dev, prod, EVERYTHING])('is what it was written as, when it is valid: $stage', (configuration) => {
    expect(configurationOf(configuration.stage, { [configuration.stage]: configuration })).toBe(configuration);
  });

  const domain = { name: 'graphs.example.com', certificateArn: EVERYTHING.domain?.certificateArn };
  const dagster = { url: 'https://dagster.example.com', jobs: {}, tokenSecretArn: null };
  const { tenants } = dev.usagePlans;
  const plansWith = (change: object) => ({ usagePlans: { ...dev.usagePlans, tenants: { ...tenants, ...change } } });
  const tiersWith = (change: object) => ({ tiers: { ...dev.tiers, standard: { ...standard, ...change } } });
  test.each([
    [{ tokens: { ...dev.tokens, issuer: '' } }, 'tokens.issuer: Invalid URL'],
    [{ tokens: { ...dev.tokens, keySetUrl: 'not a url' } }, 'tokens.keySetUrl: Invalid URL'],
    [{ tokens: { ...dev.tokens, audience: '' } }, 'tokens.audience: Too small: expected string to have >=1 characters'],
    [{ retentionDays: undefined }, 'retentionDays: Give a whole number of 1 or more.'],
    [plansWith({ requestsPerSecond: 0 }), 'usagePlans.tenants.requestsPerSecond: Give a whole number of 1 or more.'],
    [plansWith({ burst: 0.5 }), 'usagePlans.tenants.burst: Give a whole number of 1 or more.'],
    [plansWith({ requestsPerDay: 0 }), 'usagePlans.tenants.requestsPerDay: Give a whole number of 1 or more.'],
    [plansWith({ requestsPerDay: undefined }), 'usagePlans.tenants.requestsPerDay: Give a whole number of 1 or more.'],
    [plansWith({ requestsPerHour: 1 }), 'usagePlans.tenants: Unrecognized key: "requestsPerHour"'],
    [{ usagePlans: { ...dev.usagePlans, guests: tenants } }, 'usagePlans: Unrecognized key: "guests"'],
    [{ limits: { foo: 1 } }, 'limits: Unrecognized key: "foo"'],
    [{ limits: { streamsPerTenant: 'many' } }, 'limits: Unrecognized key: "streamsPerTenant"'],
    [
      { limits: { COMMANDS_PER_SECOND: 'lots' } },
      'limits.COMMANDS_PER_SECOND: Invalid input: expected number, received NaN',
    ],
    [{ logRetention: 15 }, expect.stringMatching(/^logRetention: Invalid option: expected one of 1\|3\|/)],
    [{ runbooks: 'https://git.example.com/docs' }, 'runbooks: Give an address: https://…/, with its last slash.'],
    [{ alarmTopicArn: 'alarms' }, 'alarmTopicArn: Give an ARN: arn:aws:sns:<region>:<account>:…'],
    [
      { dagster: { ...dagster, tokenSecretArn: 'dagster' } },
      'dagster.tokenSecretArn: Give an ARN: arn:aws:secretsmanager:<region>:<account>:secret:…',
    ],
    [{ dagster: { ...dagster, url: 'dagster' } }, 'dagster.url: Invalid URL'],
    [{ lineage: { url: 'ftp://catalogue/', tokenSecretArn: null } }, 'lineage.url: Invalid URL'],
    [{ domain: { ...domain, name: 'https://x y' } }, 'domain.name: Give a name of DNS, like graphs.example.com.'],
    [
      { domain: { ...domain, certificateArn: 'foo' } },
      'domain.certificateArn: Give an ARN: arn:aws:acm:<region>:<account>:certificate/…',
    ],
    [{ canary: { percentage: 100, minutes: 10 } }, 'canary.percentage: Give a whole number from 1 to 99.'],
    [{ availabilityZones: 0 }, 'availabilityZones: Give a whole number of 1 or more.'],
    [{ availabilityZones: 'two' }, 'availabilityZones: Give how many, or the names of some: ["us-east-1b"].'],
    [
      tiersWith({ processorUnits: 1_000 }),
      'tiers.standard: Give processorUnits that Fargate has: 256, 512, 1024, 2048, 4096, 8192, 16384.',
    ],
    [
      tiersWith({ processorUnits: 256, memoryMegabytes: 1_536 }),
      'tiers.standard: Give memoryMegabytes that Fargate has with 256 processorUnits: 512, 1024, 2048.',
    ],
    [tiersWith({ storageGigabytes: 20 }), 'tiers.standard.storageGigabytes: Give a whole number of 21 or more.'],
    [
      tiersWith({ storageGigabytes: 500 }),
      'tiers.standard.storageGigabytes: Give a whole number from 21 to 200, or hosts: Fargate has no larger disk.',
    ],
    ...['t3.large', 'large'].map((instanceType) => [
      tiersWith({ hosts: { instanceType, most: 2 } }),
      'tiers.standard.hosts.instanceType: Give an instance type with arm64 processors, like r8g.4xlarge.',
    ]),
    [{ tiers: { ...dev.tiers, huge: standard } }, 'tiers: Unrecognized key: "huge"'],
    [{ stage: 'Dev 1' }, expect.stringMatching(/^stage: Give up to 20 lower-case letters, digits and dashes/)],
  ] as [Record<string, unknown>, string][])('is refused with the field and what it takes: %j', (changes, complaint) => {
    expect(complaintsAbout(changes)).toContainEqual(complaint);
  });

  test('is refused for all that is wrong at once', () => {
    expect(complaintsAbout({ retentionDays: 0, logLevel: 'LOUD', limits: { foo: 1 } })).toEqual([
      'logLevel: Invalid option: expected one of "DEBUG"|"INFO"|"WARN"',
      'limits: Unrecognized key: "foo"',
      'retentionDays: Give a whole number of 1 or more.',
    ]);
  });

  test.each([
    { processorUnits: 256, has: [512, 1_024, 2_048], hasNot: [256, 1_536, 3_072] },
    { processorUnits: 512, has: [1_024, 2_048, 4_096], hasNot: [512, 1_536, 5_120] },
    { processorUnits: 1_024, has: [2_048, 3_072, 8_192], hasNot: [1_024, 2_560, 9_216] },
    { processorUnits: 2_048, has: [4_096, 5_120, 16_384], hasNot: [3_072, 4_608, 17_408] },
    { processorUnits: 4_096, has: [8_192, 9_216, 30_720], hasNot: [7_168, 8_704, 31_744] },
    { processorUnits: 8_192, has: [16_384, 20_480, 61_440], hasNot: [12_288, 17_408, 65_536] },
    { processorUnits: 16_384, has: [32_768, 40_960, 122_880], hasNot: [24_576, 36_864, 131_072] },
  ])(
    'takes the memory that Fargate has with $processorUnits processor units, and no other',
    ({ processorUnits, has, hasNot }) => {
      const isTaken = (memoryMegabytes: number) =>
        complaintsAbout(tiersWith({ processorUnits, memoryMegabytes })).length === 0;
      expect([...has, ...hasNot].filter(isTaken)).toEqual(has);
    },
  );

  test('may have larger disks than Fargate, and any size of task, on hosts of its own', () => {
    const hosts = { instanceType: 'r8g.4xlarge', most: 2 };
    expect(complaintsAbout(tiersWith({ storageGigabytes: 500, hosts }))).toEqual([]);
    expect(complaintsAbout(tiersWith({ processorUnits: 3_000, memoryMegabytes: 5_000, hosts }))).toEqual([]);
  });

  test('has its own name, so that a copy does not change the stage that it was made from', () => {
    expect(complaintsAbout({}, 'staging')).toEqual(['stage: Give its own name: "staging".']);
  });
});

const BIN = fileURLToPath(new URL('../../bin/graphfleet.ts', import.meta.url));

/** Runs the app as `cdk` does, with what follows `--context`. */
const synthesize = (context: Readonly<Record<string, string>>): Promise<unknown> =>
  promisify(execFile)(process.execPath, [BIN], {
    env: {
      ...process.env,
      CDK_OUTDIR: mkdtempSync(join(inject('templates'), 'app-')),
      CDK_CONTEXT_JSON: JSON.stringify({ ...contextOf({}), ...context }),
    },
  });

const TAGGED = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/graphfleet-instance:latest';
test.each([
  [{}, 'Name the image of instances: --context instanceImage=<what npm run push-image printed>; or `placeholder`,'],
  [{ instanceImage: 'placeholder', canary: 'of' }, '--context canary=of: it is "on" or "off".'],
  [
    { instanceImage: 'placeholder', stage: 'staging' },
    'There is no stage "staging" in lib/configuration.ts; there are:',
  ],
  [{ instanceImage: TAGGED }, `"${TAGGED}" does not name an image: write `],
])('what is wrong on the command line is told in a sentence: %j', async (context, sentence) => {
  const stderr = expect.stringMatching(/^[^\n]+\n$/);
  const failure: unknown = await synthesize(context).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 1, stderr });
  expect(failure).toHaveProperty('stderr', expect.stringContaining(sentence));
});
