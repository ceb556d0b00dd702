import { describeFaults } from './describe-faults.ts';
import { restoreBackup } from './machines/restore-backup.ts';

describeFaults(restoreBackup);
