import * as z from 'zod';

/** Where Dagster is, and which of its jobs operations may run, by the name that tenants use: a closed set. */
export const DagsterSettings = z.strictObject({
  /** The address of its web server, as a person opens it. */
  url: z.url({ protocol: /^https?$/ }),
  jobs: z.record(
    z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
    z.strictObject({
      repositoryLocationName: z.string().min(1),
      repositoryName: z.string().min(1).default('__repository__'),
      jobName: z.string().min(1),
    }),
  ),
});
export type DagsterSettings = z.output<typeof DagsterSettings>;
