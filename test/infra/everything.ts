import { CONFIGURATIONS, type Configuration } from '../../lib/configuration.ts';

/** A stage with all that a stage may have: what production has, hosts of its own for a tier, and the API's own name. */
export const EVERYTHING: Configuration = {
  ...CONFIGURATIONS.prod,
  domain: {
    name: 'graphs.example.com',
    certificateArn: 'arn:aws:acm:eu-central-1:000000000000:certificate/00000000-0000-0000-0000-000000000000',
  },
  limits: { COMMANDS_PER_SECOND: '7' },
  retentionDays: 45,
  tiers: {
    ...CONFIGURATIONS.prod.tiers,
    xlarge: { ...CONFIGURATIONS.prod.tiers.xlarge, hosts: { instanceType: 'r8g.4xlarge', most: 20 } },
  },
};
