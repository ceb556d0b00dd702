import { expect, inject, test } from 'vitest';
import { FLEET_TIERS } from '../../domain/fleet/tier.ts';
import { cdk } from './cdk.ts';

const { synthesizing } = inject('deployed');
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const IMAGE = `000000000000.dkr.ecr.us-east-1.amazonaws.com/graphfleet-dev-instance@${DIGEST}`;

/** An assembly that is given to this run has to be of the working tree, too. */
test('what differs from what is deployed is what the working tree and the context say otherwise, and no more', async () => {
  const printed = await cdk(['diff', '--all', '--context', `instanceImage=${IMAGE}`], synthesizing);
  expect(printed).toContain('Number of stacks with differences: 1\n');
  expect(printed.split('[+]').filter((added) => added.includes(DIGEST))).toHaveLength(FLEET_TIERS.length);
});
