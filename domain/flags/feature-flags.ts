import * as z from 'zod';

/** What can be switched while the service runs, for the whole stage. */
export const FeatureFlags = z
  .strictObject({
    paymentGate: z.boolean().meta({ description: 'Tenants without a live subscription can not open paid operations.' }),
    automaticMaterialization: z.boolean().default(false).meta({
      description: 'Graphs whose tables have changed are materialized by themselves, when there is nothing else to do.',
    }),
    scheduledBackups: z
      .boolean()
      .default(true)
      .meta({ description: 'Each graph that has changed is backed up once a day.' }),
  })
  .meta({ id: 'FeatureFlags' });
export type FeatureFlags = z.infer<typeof FeatureFlags>;

/** What holds while nobody has switched anything. */
export const DEFAULT_FLAGS: FeatureFlags = {
  paymentGate: true,
  automaticMaterialization: false,
  scheduledBackups: true,
};

/** Where the flags are kept. */
export interface FlagStore {
  /** As they are, or were a few seconds ago. */
  get(): Promise<FeatureFlags>;
  /** Switches all of them. What runs elsewhere knows it within seconds. */
  put(flags: FeatureFlags): Promise<void>;
}
