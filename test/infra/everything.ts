import { CONFIGURATIONS } from '../../lib/configuration.ts';
import type { Configuration } from '../../lib/configuration-schema.ts';

const secretArn = (name: string) => `arn:aws:secretsmanager:eu-central-1:000000000000:secret:${name}-AbCdEf`;

/**
 * A stage with all that a stage may have: what production has, hosts of its own for a tier, the API's own name, jobs of
 * Dagster, a catalogue of lineage, and runbooks that are read in a browser.
 */
export const EVERYTHING: Configuration = {
  ...CONFIGURATIONS.prod,
  runbooks: 'https://git.example.com/graphfleet/blob/main/docs/runbooks/',
  domain: {
    name: 'graphs.example.com',
    certificateArn: 'arn:aws:acm:eu-central-1:000000000000:certificate/00000000-0000-0000-0000-000000000000',
  },
  dagster: {
    url: 'https://dagster.example.com',
    jobs: {
      'nightly-export': {
        repositoryLocationName: 'jobs',
        repositoryName: '__repository__',
        jobName: 'nightly_export',
      },
    },
    tokenSecretArn: secretArn('dagster'),
  },
  lineage: { url: 'https://catalogue.example.com/api/v1/lineage', tokenSecretArn: secretArn('lineage') },
  limits: { COMMANDS_PER_SECOND: '7' },
  retentionDays: 45,
  tiers: {
    ...CONFIGURATIONS.prod.tiers,
    xlarge: { ...CONFIGURATIONS.prod.tiers.xlarge, hosts: { instanceType: 'r8g.4xlarge', most: 20 } },
  },
};
