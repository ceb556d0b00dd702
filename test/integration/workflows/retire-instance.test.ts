import { describeFaults } from './describe-faults.ts';
import { retireInstance } from './machines/retire-instance.ts';

describeFaults(retireInstance);
