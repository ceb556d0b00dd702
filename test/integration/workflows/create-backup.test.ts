import { describeFaults } from './describe-faults.ts';
import { createBackup } from './machines/create-backup.ts';

describeFaults(createBackup);
