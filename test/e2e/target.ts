import { inject } from 'vitest';

/** Where end-to-end tests find what they call. */
export type Target = {
  url: string;
  tokens: { tenant: string; otherTenant: string; operator: string };
  /** The runtime's directory, when it is a runtime on this machine. */
  dataDirectory?: string;
};

declare module 'vitest' {
  export interface ProvidedContext {
    /** One for each worker, or one for all. */
    targets: readonly Target[];
  }
}

/** What the tests of this file call: nobody else does while they run. */
export const ownTarget = (): Target => {
  const targets = inject('targets');
  const worker = Number(process.env['VITEST_POOL_ID']);
  const own = targets[(worker - 1) % targets.length];
  if (own === undefined) throw new Error('There is no target: the global setup has provided none.');
  return own;
};
