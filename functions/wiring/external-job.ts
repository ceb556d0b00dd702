import type * as z from 'zod';
import type { ExternalJobEnvironment } from '../../contract/environment.ts';
import { openSecret } from '../../domain/aws/secrets-manager.ts';
import { DagsterJobs } from '../../domain/external-job/dagster-jobs.ts';
import type { ExternalJobs } from '../../domain/external-job/external-job.ts';

/** The jobs elsewhere that the operator has configured. */
export const externalJobs = ({ DAGSTER, DAGSTER_TOKEN }: z.output<typeof ExternalJobEnvironment>): ExternalJobs =>
  new DagsterJobs(DAGSTER, DAGSTER_TOKEN === undefined ? async () => undefined : openSecret(DAGSTER_TOKEN));
