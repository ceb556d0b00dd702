import { describeFaults } from './describe-faults.ts';
import { changeTier } from './machines/change-tier.ts';

describeFaults(changeTier);
