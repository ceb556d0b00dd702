import { describeFaults } from './describe-faults.ts';
import { refreshFleet } from './machines/refresh-fleet.ts';

describeFaults(refreshFleet);
