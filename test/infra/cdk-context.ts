import { readFileSync } from 'node:fs';

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')) as {
  context: Record<string, unknown>;
};

/** The settings of `cdk.json` for an app of a test: without the functions' code, unless `bundles` asks for it. */
export const contextOf = ({ bundles = false, validates = false }): Record<string, unknown> => ({
  ...context,
  '@aws-cdk/core:validateAgainstDefaultRules': validates,
  // What the CDK's command line sets too: a function's resource says where its code is.
  'aws:cdk:enable-asset-metadata': true,
  ...(!bundles && { 'aws:cdk:bundling-stacks': [] }),
});
