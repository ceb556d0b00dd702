import { describeFaults } from './describe-faults.ts';
import { launchInstance } from './machines/launch-instance.ts';

describeFaults(launchInstance);
