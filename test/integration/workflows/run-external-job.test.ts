import { describeFaults } from './describe-faults.ts';
import { runExternalJob } from './machines/run-external-job.ts';

describeFaults(runExternalJob);
