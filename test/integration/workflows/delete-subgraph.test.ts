import { describeFaults } from './describe-faults.ts';
import { deleteSubgraph } from './machines/delete-graph.ts';

describeFaults(deleteSubgraph);
