import { describeFaults } from './describe-faults.ts';
import { refreshInstance } from './machines/refresh-instance.ts';

describeFaults(refreshInstance);
