import * as z from 'zod';

/** What can be switched while the service runs, for the whole stage. */
export const FeatureFlags = z
  .strictObject({
    paymentGate: z.boolean().meta({ description: 'Tenants without a live subscription can not open paid operations.' }),
  })
  .meta({ id: 'FeatureFlags' });
export type FeatureFlags = z.infer<typeof FeatureFlags>;

/** What holds while nobody has switched anything. */
export const DEFAULT_FLAGS: FeatureFlags = { paymentGate: true };

/** Where the flags are kept. */
export interface FlagStore {
  /** As they are, or were a few seconds ago. */
  get(): Promise<FeatureFlags>;
  /** Switches all of them. What runs elsewhere knows it within seconds. */
  put(flags: FeatureFlags): Promise<void>;
}
