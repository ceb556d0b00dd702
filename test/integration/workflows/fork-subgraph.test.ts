import { describeFaults } from './describe-faults.ts';
import { forkSubgraph } from './machines/fork-subgraph.ts';

describeFaults(forkSubgraph);
