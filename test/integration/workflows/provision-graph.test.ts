import { describeFaults } from './describe-faults.ts';
import { provisionGraph } from './machines/provision-graph.ts';

describeFaults(provisionGraph);
