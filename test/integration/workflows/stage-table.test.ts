import { describeFaults } from './describe-faults.ts';
import { stageTable } from './machines/stage-table.ts';

describeFaults(stageTable);
