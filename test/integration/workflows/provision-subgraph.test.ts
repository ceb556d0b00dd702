import { describeFaults } from './describe-faults.ts';
import { provisionSubgraph } from './machines/provision-subgraph.ts';

describeFaults(provisionSubgraph);
